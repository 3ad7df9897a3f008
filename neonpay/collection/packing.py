"""The bytes of a batch: JSON, or gzip of it, unpacked no further than it may be long."""

from __future__ import annotations

import gzip
import zlib
from typing import Final

from neonpay.errors import ValidationError

JSON: Final = "application/json"
GZIP: Final = "application/gzip"
"""The kind of a packed body. It is no ``Content-Encoding``, which servers and proxies undo before anybody can check a
signature or a length."""
PACKED_MAX_BYTES: Final = 1024 * 1024
UNPACKED_MAX_BYTES: Final = 8 * 1024 * 1024
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class TooLongError(ValidationError):
    """A body is longer than a centre takes; whoever sent it makes smaller batches."""


def packed(body: bytes) -> bytes:
    """The gzip of a body; the same bytes for the same body."""
    return gzip.compress(body, compresslevel=6, mtime=0)


def unpacked(body: bytes) -> bytes:
    """What was packed.

    Raises:
        TooLongError: it is longer than 8 MiB, of which no more than that was unpacked.
        ValidationError: the bytes are no gzip, or something follows it.
    """
    machine = zlib.decompressobj(_GZIP_WINDOW)
    try:
        found = machine.decompress(body, UNPACKED_MAX_BYTES + 1)
    except zlib.error as exc:
        raise ValidationError("body", "", "one gzip of JSON", is_shown=False) from exc
    if len(found) > UNPACKED_MAX_BYTES:
        raise TooLongError("body", "", f"at most {UNPACKED_MAX_BYTES} bytes when it is unpacked", is_shown=False)
    if not machine.eof or machine.unused_data:
        raise ValidationError("body", "", "one whole gzip of JSON, and nothing after it", is_shown=False)
    return found
