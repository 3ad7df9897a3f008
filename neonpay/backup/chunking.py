"""Rows in chunks whose borders follow from the rows: what is written between two borders changes no chunk but its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from neonpay.backup.kinds import Form

_LEAST_ROWS: Final = 256
_BORDER: Final = 1024
"""One row of so many is the last of its chunk, once that has the least rows."""
_MOST_BYTES: Final = 4 * 2**20
_encoder: Final = msgspec.json.Encoder()


class Lines(NamedTuple):
    """Some rows of a table as lines, between what says what they are and what says that they end."""

    data: bytes
    rows: int


class Frame(NamedTuple):
    """What is before and after the rows of each chunk of a table."""

    head: bytes
    tail: bytes = b""

    def joined(self, lines: Sequence[bytes]) -> Lines:
        """A chunk of these rows."""
        return Lines(self.head + b"\n".join(lines) + b"\n" + self.tail, len(lines))


def chunks_of(frame: Frame, lines: Iterable[list[bytes]]) -> Iterator[Lines]:
    """The rows of a table in chunks; whether a row ends one depends on it and on the rows of its chunk alone."""
    waiting: list[bytes] = []
    size = 0
    for some in lines:
        # One by one only where rows are so large that a chunk may be full between two borders.
        more = sum(map(len, some))
        parts = [some] if size + more < _MOST_BYTES else [[line] for line in some]
        for part in parts:
            first = 0
            for end in [place for place, number in enumerate(map(crc32, part), 1) if not number % _BORDER]:
                if len(waiting) + end - first >= _LEAST_ROWS:
                    yield frame.joined(waiting + part[first:end])
                    waiting, size, first = [], 0, end
            left = part[first:] if first else part
            waiting += left
            size += more if left is some else sum(map(len, left))
            if size >= _MOST_BYTES:
                yield frame.joined(waiting)
                waiting, size = [], 0
    if waiting:
        yield frame.joined(waiting)


def frame_of(name: str, columns: Sequence[str], form: Form) -> Frame:
    """What is around the rows of a table."""
    if form == "postgresql":
        names = ", ".join(f'"{column}"' for column in columns)
        return Frame(f'COPY "{name}" ({names}) FROM stdin;\n'.encode(), b"\\.\n")
    return Frame(_encoder.encode({"table": name, "columns": columns}) + b"\n")
