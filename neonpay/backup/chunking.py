"""Rows in chunks whose borders follow from the rows: what is written between two borders changes no chunk but its own."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from neonpay.backup.tables import Kept

_LEAST_ROWS: Final = 256
_BORDER: Final = 1024
"""One row of so many is the last of its chunk, once that has the least rows."""
_MOST_BYTES: Final = 4 * 2**20
_AT_ONCE: Final = 256
_TELLING: Final = frozenset({"event_id", "invoice_id", "charge_id", "paid_at", "note_id"})
"""Second columns of keys that tell nearly every row from the others, and take a quarter of the time of a whole key."""
_encoder: Final = msgspec.json.Encoder()


class Lines(NamedTuple):
    """Some rows of a table as lines of JSON, after a line that says what they are."""

    data: bytes
    rows: int


def chunks_of(kept: Kept, rows: Iterable[Sequence[tuple[Any, ...]]]) -> Iterator[Lines]:
    """The rows of a table in chunks; whether a row ends one depends on its key and on the rows of its chunk alone."""
    head = header(kept.name, kept.columns)
    # Looked up once: this is the loop that everything in the ledger passes.
    crc32, encode, key = zlib.crc32, _encoder.encode_lines, kept.key
    place = 1 if kept.columns[:key][1:2] and kept.columns[1] in _TELLING else None
    written = [head]
    size = count = 0
    waiting: list[tuple[Any, ...]] = []
    for some in rows:
        for row in some:
            waiting.append(row)
            count += 1
            is_border = (
                count >= _LEAST_ROWS
                and crc32((repr(row[:key]) if place is None else str(row[place])).encode()) % _BORDER == 0
            )
            if not is_border and len(waiting) < _AT_ONCE:
                continue
            written.append(encode(waiting))
            size += len(written[-1])
            waiting = []
            if is_border or size >= _MOST_BYTES:
                yield Lines(b"".join(written), count)
                written, size, count = [head], 0, 0
    if waiting:
        written.append(_encoder.encode_lines(waiting))
    if count:
        yield Lines(b"".join(written), count)


def header(name: str, columns: Sequence[str]) -> bytes:
    """The first line of a chunk."""
    return _encoder.encode({"table": name, "columns": columns}) + b"\n"
