"""From an HTTP body to parameters, in every encoding that bot libraries use.

GET with a query string, GET with a form body, POST with a query string and nothing else, urlencoded forms, multipart with files
and JSON all mean the same call. Where a name comes twice, the first counts, and the query string comes before the body.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, BodyPartReader, MultipartReader, hdrs
from aiohttp.http import HttpProcessingError

from neonpay.simulator.wire.params import Params, Upload, strict_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import StreamReader
    from multidict import CIMultiDictProxy

BODY_MAX_BYTES: Final = 64 * 2**20
"""Largest request body read; Telegram takes files of up to 50 MB (https://core.telegram.org/bots/api#sending-files, read
2026-11-20)."""
_FIELDS_MAX: Final = 2_000
_LAST_COMMA: Final = re.compile(r",\s*\}\s*\Z")
"""Behind the last field of a body there may be one (TDL: parse_json_parameters); inside of it none may be."""
_NOT_MULTIPART: Final = (
    AssertionError,  # a Content-Type without a boundary
    BadContentDispositionHeader,  # warnings, which some programs turn into errors
    BadContentDispositionParam,
    HttpProcessingError,  # headers of a part
    ValueError,
)


class BodyTooLargeError(Exception):
    """The body is larger than :data:`BODY_MAX_BYTES`."""


class MalformedBodyError(Exception):
    """The body is not what its Content-Type says."""


async def read_params(query: str, headers: CIMultiDictProxy[str], body: StreamReader) -> Params:
    """Read the parameters of a request or of a webhook's answer.

    Raises:
        MalformedBodyError: the body is broken; a Bot API server answers 400 with an empty body.
        BodyTooLargeError: there is too much of it.
    """
    params = Params()
    _merge(params, _pairs(query))
    content_type = headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if content_type.startswith("multipart/"):
        await _read_multipart(params, headers, body)
        return params
    raw = await _read_all(body)
    if content_type == "application/x-www-form-urlencoded":
        _merge(params, _pairs(raw.decode("utf-8", "surrogateescape")))
    elif content_type == "application/json" and raw:
        _merge(params, _json_pairs(raw))
    return params


def _merge(params: Params, pairs: Iterable[tuple[str, str]]) -> None:
    for name, value in pairs:
        params.values.setdefault(name, value)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=_FIELDS_MAX)
    except ValueError as error:
        raise MalformedBodyError("too many fields") from error


def _json_pairs(raw: bytes) -> list[tuple[str, str]]:
    text = raw.decode("utf-8", "surrogateescape")
    try:
        decoded = strict_json(_LAST_COMMA.sub("}", text))
    except ValueError as error:
        raise MalformedBodyError("not JSON") from error
    if isinstance(decoded, str):
        return [("content", decoded)]  # TDL: HttpReader
    if not isinstance(decoded, dict):
        raise MalformedBodyError("not a JSON object")
    # null becomes the word: a client that sends "reply_markup": null is refused by Telegram (SRV).
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in decoded.items()
    ]


async def _read_multipart(params: Params, headers: CIMultiDictProxy[str], body: StreamReader) -> None:
    size = 0
    try:
        reader = MultipartReader(headers, body)
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or len(params.values) + len(params.files) > _FIELDS_MAX:
                raise MalformedBodyError("nested multipart, or too many fields")
            content = bytearray()
            while chunk := await part.read_chunk():
                size += len(chunk)
                if size > BODY_MAX_BYTES:
                    raise BodyTooLargeError
                content += chunk
            _keep_part(params, part, bytes(content))
    except _NOT_MULTIPART as error:
        raise MalformedBodyError("not multipart") from error


def _keep_part(params: Params, part: BodyPartReader, content: bytes) -> None:
    name = part.name or ""
    if part.filename is None:
        params.values.setdefault(name, content.decode("utf-8", "surrogateescape"))
    else:
        content_type = part.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream")
        params.files.setdefault(name, Upload(part.filename, content, content_type))


async def _read_all(body: StreamReader) -> bytes:
    content = bytearray()
    while chunk := await body.readany():
        content += chunk
        if len(content) > BODY_MAX_BYTES:
            raise BodyTooLargeError
    return bytes(content)
