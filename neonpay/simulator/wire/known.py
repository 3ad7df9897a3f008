"""What the Bot API has at all, told from aiogram's models: methods, the types of their parameters, kinds of updates."""

from __future__ import annotations

import typing
from functools import cache
from types import UnionType
from typing import Final

import aiogram.methods
from aiogram import types
from aiogram.methods.base import TelegramMethod

from neonpay.simulator.wire.params import Params, Upload, is_yes, lenient_integer, strict_json

UPDATE_KINDS: Final = frozenset(types.Update.model_fields) - {"update_id"}
"""Every kind of update."""
MESSAGE_FIELDS: Final = frozenset(one.alias or name for name, one in types.Message.model_fields.items())
"""What a message may hold, such as ``successful_payment``."""


@cache
def known_methods() -> dict[str, type[TelegramMethod[object]]]:
    """Every Bot API method, by its documented name."""
    classes = (getattr(aiogram.methods, name) for name in aiogram.methods.__all__)
    return {
        model.__api_method__: model
        for model in classes
        if isinstance(model, type)
        and issubclass(model, TelegramMethod)
        and isinstance(getattr(model, "__api_method__", None), str)
    }


@cache
def documented_name(name: str) -> str | None:
    """The documented spelling of a method name, which callers may write in any case; None when there is no such method."""
    return next((known for known in known_methods() if known.lower() == name.lower()), None)


def described(method: str, params: Params) -> dict[str, object]:
    """The parameters of a call as Python values, for people to read: numbers, flags and nested JSON decoded."""
    kinds = _kinds_of_parameters(method)
    shown: dict[str, object] = {}
    for name, text in params.values.items():
        shown[name] = _decoded(text, kinds[name]) if name in kinds else text
    for name, upload in params.files.items():
        shown[name] = _described_file(upload)
    return shown


@cache
def _kinds_of_parameters(method: str) -> dict[str, frozenset[type]]:
    model = known_methods().get(method)
    return {} if model is None else {name: _kinds(field.annotation) for name, field in model.model_fields.items()}


def _described_file(upload: Upload) -> dict[str, object]:
    return {"filename": upload.filename, "content_type": upload.content_type, "size_bytes": len(upload.content)}


def _decoded(text: str, kinds: frozenset[type]) -> object:
    if bool in kinds and int not in kinds:
        return is_yes(text)
    if int in kinds and (str not in kinds or text.removeprefix("-").isdecimal()):
        return lenient_integer(text)
    if str not in kinds or text[:1] in {"[", "{"}:
        try:
            return strict_json(text)
        except ValueError:
            return text
    return text


def _kinds(annotation: object) -> frozenset[type]:
    origin = typing.get_origin(annotation)
    if origin is typing.Union or origin is UnionType or origin is typing.Annotated:
        arguments = typing.get_args(annotation)
        return frozenset().union(*(_kinds(argument) for argument in arguments))
    if isinstance(annotation, type):
        return frozenset({annotation})
    return frozenset({origin}) if isinstance(origin, type) else frozenset()
