"""Lines on their way into files and back: compressed, encrypted, and never more than a manifest says."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from neonpay.backup.encryption import Opening, Sealing
from neonpay.backup.manifest import Chunk
from neonpay.errors import BackupDamagedError, ConfigurationError
from neonpay.installing import install_line

_LEVEL: Final = 3
Compression = Literal["zstd", "none"]


@dataclass(frozen=True, slots=True)
class Packer:
    """Makes files of lines.

    Args:
        content_key: what the names of contents hang on, so that whoever has the files alone cannot tell what is in them;
            empty where nothing is encrypted.
    """

    compression: Compression
    sealing: Sealing | None
    content_key: bytes = b""

    def content(self, lines: bytes) -> str:
        """By which the same lines are known again."""
        return hashlib.blake2b(lines, key=self.content_key, digest_size=32).hexdigest()

    def packed(self, lines: bytes, rows: int, content: str) -> tuple[Chunk, bytes]:
        """A chunk, and its file."""
        data = lines
        if self.compression == "zstd":
            zstd = _zstd()
            data = zstd.compress(lines, options={zstd.CompressionParameter.compression_level: _LEVEL, **_checked(zstd)})
        if self.sealing is not None:
            data = self.sealing.sealed(data)
        digest = hashlib.sha256(data).hexdigest()
        path = f"chunks/{digest[:2]}/{digest}"
        return Chunk(path=path, content=content, rows=rows, plain=len(lines), size=len(data)), data


def unpacked(chunk: Chunk, data: bytes, compression: Compression, opening: Opening | None) -> bytes:
    """The lines of a chunk's file, which are as many bytes as the manifest says.

    Raises:
        BackupDamagedError: they are not.
    """
    if opening is not None:
        data = opening.opened(data, chunk.path)
    lines = data if compression == "none" else _decompressed(chunk, data)
    if len(lines) != chunk.plain:
        msg = f"{chunk.path} holds another number of bytes than the manifest says"
        raise BackupDamagedError(msg)
    return lines


def _decompressed(chunk: Chunk, data: bytes) -> bytes:
    zstd = _zstd()
    decompressor = zstd.ZstdDecompressor()
    try:
        lines: bytes = decompressor.decompress(data, max_length=chunk.plain + 1)
    except zstd.ZstdError as exc:
        msg = f"{chunk.path} cannot be decompressed: {exc}"
        raise BackupDamagedError(msg) from exc
    if not decompressor.eof or decompressor.unused_data:
        msg = f"{chunk.path} holds more than the manifest says"
        raise BackupDamagedError(msg)
    return lines


def require(compression: Compression) -> None:
    """Raises ConfigurationError when what compresses is not installed."""
    if compression == "zstd":
        _zstd()


def _checked(zstd: Any) -> Mapping[Any, int]:
    return {zstd.CompressionParameter.checksum_flag: 1}


def _zstd() -> Any:
    if sys.version_info >= (3, 14):  # pragma: no cover
        from compression import zstd

        return zstd
    try:
        from backports import zstd
    except ImportError as exc:
        msg = f"compressed backups need backports.zstd; run: {install_line('backup')}; or write compression=False"
        raise ConfigurationError(msg) from exc
    return zstd


Note = Callable[[str, int, int], None]
"""Told of a table, how many rows of all are done, and how many there are."""
