"""A backup is read back, every byte of it, before anybody relies on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from neonpay.backup.ahead import in_order
from neonpay.backup.chunking import frame_of
from neonpay.backup.encryption import Opening, Secrets
from neonpay.backup.folder import BackupFolder
from neonpay.backup.manifest import Chunk, Manifest, SavedTable
from neonpay.backup.packing import Note, unpacked
from neonpay.errors import BackupDamagedError, BackupKeyError


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read.

    Attributes:
        is_opened: whether the rows were read as well, and not the files alone; one that is encrypted needs its key for that.
        opening: what opens it; None when it is not encrypted, or no key was given.
    """

    manifest: Manifest
    chunks: int
    rows: int
    is_opened: bool
    opening: Opening | None = field(default=None, repr=False)


def verify(folder: BackupFolder, backup_id: str, *, secrets: Secrets, note: Note) -> Verified:
    """Every file that a backup names is there and as it was written, and has the rows that its manifest says.

    Raises:
        BackupNotFoundError: there is no such backup.
        BackupDamagedError: something of it is not as it was written; the message names the file.
        BackupKeyError: a key was given, and opens nothing.
    """
    manifest = folder.manifest(backup_id)
    opening = None
    if secrets.passphrase is not None or secrets.identity_files:
        opening = opening_of(folder, manifest, secrets)
    elif manifest.encryption is not None:
        folder.key(manifest.encryption.key)
    is_opened = manifest.encryption is None or opening is not None
    count = rows = 0
    total = manifest.rows

    def checked(one: tuple[SavedTable | None, Chunk]) -> tuple[SavedTable | None, Chunk]:
        table, chunk = one
        data = folder.chunk(chunk)
        if is_opened and table is not None:
            rows_of(table, chunk, data, manifest, opening)
        elif is_opened:
            unpacked(chunk, data, manifest.compression, opening)
        return one

    for table, chunk in in_order(checked, manifest.chunks(), bytes_of=lambda one: one[1].plain):
        count += 1
        rows += chunk.rows
        if table is None:
            note("file", count, len(manifest.file))
        else:
            note(table.name, rows, total)
    return Verified(manifest, count, rows, is_opened, opening)


def opening_of(folder: BackupFolder, manifest: Manifest, secrets: Secrets) -> Opening | None:
    """What opens a backup; None when it is not encrypted.

    Raises:
        BackupDamagedError: the file of its key is not there.
        BackupKeyError: no key was given, or one that opens nothing.
    """
    if manifest.encryption is None:
        return None
    return secrets.opening(manifest.encryption, folder.key(manifest.encryption.key))


def rows_of(table: SavedTable, chunk: Chunk, data: bytes, manifest: Manifest, opening: Opening | None) -> bytes:
    """The rows of a chunk's file, one line each.

    Raises:
        BackupDamagedError: it has other rows, or those of another table.
    """
    lines = unpacked(chunk, data, manifest.compression, opening)
    head, tail = frame_of(table.name, table.columns, manifest.form)
    end = len(lines) - len(tail)
    is_whole = lines.startswith(head) and lines.endswith(b"\n" + tail)
    if not is_whole or lines.count(b"\n", len(head), end) != chunk.rows:
        msg = f"{chunk.path} has other rows than those of {table.name}"
        raise BackupDamagedError(msg)
    return lines[len(head) : end]


def chunks_in(folder: BackupFolder, manifest: Manifest, table: SavedTable, opening: Opening | None) -> Iterator[bytes]:
    """The rows of a table as lines, those of one chunk at a time; raises BackupDamagedError as ``verify`` does."""
    _require_opening(manifest, opening)

    def read(chunk: Chunk) -> bytes:
        return rows_of(table, chunk, folder.chunk(chunk), manifest, opening)

    yield from in_order(read, table.chunks, bytes_of=_plain)


def pieces_in(folder: BackupFolder, manifest: Manifest, opening: Opening | None) -> Iterator[bytes]:
    """The database's file, one piece at a time; raises BackupDamagedError as ``verify`` does."""
    _require_opening(manifest, opening)

    def read(chunk: Chunk) -> bytes:
        return unpacked(chunk, folder.chunk(chunk), manifest.compression, opening)

    yield from in_order(read, manifest.file, bytes_of=_plain)


def _plain(chunk: Chunk) -> int:
    return chunk.plain


def _require_opening(manifest: Manifest, opening: Opening | None) -> None:
    if manifest.encryption is not None and opening is None:
        msg = "the backup is encrypted"
        raise BackupKeyError(msg)
