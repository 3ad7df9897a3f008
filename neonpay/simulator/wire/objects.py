"""Bot API objects, right by construction: each one is an aiogram model, checked when made and dumped for the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Mapping

ModelT = TypeVar("ModelT", bound=BaseModel)
_PLAIN: Final = frozenset({str, int, bool, dict})


def build(model: type[ModelT], **fields: object) -> ModelT:
    """Make a Bot API object from JSON-like fields; None means absent. ``from_`` is written ``from``."""
    return build_from(model, {name.rstrip("_"): value for name, value in fields.items() if value is not None})


def build_from(model: type[ModelT], fields: Mapping[str, object]) -> ModelT:
    """Make a Bot API object from a JSON object."""
    # Plain values are most of them.
    return model.model_validate(
        {name: value if type(value) in _PLAIN else as_json(value) for name, value in fields.items()}
    )


def dump(model: BaseModel) -> dict[str, object]:
    """The JSON object that a client receives: only what was set, under Telegram's names, times as Unix seconds."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)


def as_json(value: object) -> object:
    """JSON of an answer: models dumped, lists and plain values as they are."""
    if isinstance(value, BaseModel):
        return dump(value)
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value
