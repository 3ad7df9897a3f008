"""Rows in chunks whose borders follow from the rows: what is written between two borders changes no chunk but its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

_LEAST_ROWS: Final = 256
_BORDER: Final = 1024
"""One row of so many is the last of its chunk, once that has the least rows."""
_MOST_BYTES: Final = 4 * 2**20
_encoder: Final = msgspec.json.Encoder()


class Lines(NamedTuple):
    """Some rows of a table as lines of JSON, after a line that says what they are."""

    data: bytes
    rows: int


def chunks_of(head: bytes, lines: Iterable[list[bytes]]) -> Iterator[Lines]:
    """The rows of a table in chunks; whether a row ends one depends on it and on the rows of its chunk alone.

    Args:
        head: the first line of each.
    """
    waiting: list[bytes] = []
    size = 0
    for some in lines:
        # One by one only where rows are so large that a chunk may be full between two borders.
        parts = [some] if size + sum(map(len, some)) < _MOST_BYTES else [[line] for line in some]
        for part in parts:
            first = 0
            for end in [place for place, line in enumerate(part, 1) if crc32(line) % _BORDER == 0]:
                if len(waiting) + end - first >= _LEAST_ROWS:
                    yield _joined(head, waiting + part[first:end])
                    waiting, size, first = [], 0, end
            waiting += part[first:]
            size += sum(map(len, part[first:]))
            if size >= _MOST_BYTES:
                yield _joined(head, waiting)
                waiting, size = [], 0
    if waiting:
        yield _joined(head, waiting)


def header(name: str, columns: Sequence[str]) -> bytes:
    """The first line of a chunk."""
    return _encoder.encode({"table": name, "columns": columns}) + b"\n"


def _joined(head: bytes, lines: Sequence[bytes]) -> Lines:
    return Lines(head + b"\n".join(lines) + b"\n", len(lines))
