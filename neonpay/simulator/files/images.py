"""How many pixels a picture has, by the first bytes of its file."""

from __future__ import annotations

import struct
from typing import Final

PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG_MARK: Final = b"\xff"
_JPEG_FRAME_STARTS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def pixels(content: bytes) -> tuple[int, int] | None:
    """Width and height; None when it is no PNG, JPEG, GIF or WebP, or is broken."""
    size: tuple[int, int] | None = None
    if content.startswith(PNG) and len(content) >= 24:  # noqa: PLR2004 - width and height end there
        size = struct.unpack(">II", content[16:24])
    elif content.startswith(b"\xff\xd8"):
        size = _jpeg(content)
    elif content[:6] in {b"GIF87a", b"GIF89a"} and len(content) >= 10:  # noqa: PLR2004
        size = struct.unpack("<HH", content[6:10])
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP" and len(content) >= 30:  # noqa: PLR2004
        size = _webp(content)
    return size if size is not None and all(size) else None


def content_type_of(content: bytes) -> str:
    """The type of such a picture."""
    starts = {PNG[:4]: "image/png", b"GIF8": "image/gif", b"RIFF": "image/webp"}
    return starts.get(content[:4], "image/jpeg")


def _jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(content) and content[at : at + 1] == _JPEG_MARK:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if marker in _JPEG_FRAME_STARTS:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + max(length, 2)
    return None


def _webp(content: bytes) -> tuple[int, int] | None:
    # https://developers.google.com/speed/webp/docs/riff_container (read 2026-11-21)
    form = content[12:16]
    if form == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", content[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if form == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    return None
