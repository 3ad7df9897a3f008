"""What a backup is made of: a file of JSON with the hash of every chunk, and of itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from neonpay.backup.kinds import BackupType, Form
from neonpay.backup.retention import Dated
from neonpay.errors import BackupDamagedError

FORMAT: Final = 1
MANIFEST_MOST_BYTES: Final = 64 * 2**20
CHUNK_MOST_BYTES: Final = 256 * 2**20
"""What a chunk holds at most; one row is never split."""
ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
"""The id of a backup, which is a part of a file's name."""
_NAME: Final = r"^[a-z_][a-z0-9_]{0,62}$"
_COLUMN: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Kind: TypeAlias = Literal["int", "text", "bytes", "bool", "float", "numeric", "time", "date", "json", "uuid"]
"""What the values of a column are in every engine; how JSON has them is in ``neonpay.backup.values``."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every struct of a manifest: nothing that is not known is taken."""


class Chunk(Part, frozen=True):
    """Some rows of a table, in a file of their own.

    Attributes:
        path: of the file in the folder; its name is the SHA-256 of what is in it.
        content: by which a later backup finds that it has the same rows.
        plain: bytes of the lines, before they are compressed and encrypted.
        size: bytes of the file.
    """

    path: Annotated[str, msgspec.Meta(pattern=r"^chunks/[0-9a-f]{2}/[0-9a-f]{64}$")]
    content: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    rows: Count
    plain: Annotated[int, msgspec.Meta(ge=0, le=CHUNK_MOST_BYTES)]
    size: Annotated[int, msgspec.Meta(ge=0, le=2 * CHUNK_MOST_BYTES)]

    @property
    def digest(self) -> str:
        """The SHA-256 of its file."""
        return self.path.rpartition("/")[2]


class SavedTable(Part, frozen=True):
    """One table.

    Attributes:
        columns: as the lines have them, those that order the rows first.
        key: how many of them do.
        is_left_out: whether its rows are secrets and the backup is not encrypted, so that it has none of them.
        extension: whose it is; None for the ledger's own.
    """

    name: Annotated[str, msgspec.Meta(pattern=_NAME)]
    columns: tuple[Annotated[str, msgspec.Meta(pattern=_COLUMN)], ...]
    kinds: tuple[Kind, ...]
    rows: Count
    chunks: tuple[Chunk, ...]
    key: Count = 0
    is_left_out: bool = False
    extension: str | None = None


class SavedExtension(Part, frozen=True):
    """An extension that has tables in the ledger.

    Attributes:
        revision: how far its migrations had come; None when it has none.
    """

    name: str
    package: str
    revision: str | None = None


class SavedBot(Part, frozen=True):
    """The books of one bot as they were.

    Attributes:
        head: the hash of its last seal; None when nothing is sealed.
        stars: what Telegram holds for it, as its journal says.
    """

    bot_id: int
    head: str | None
    seals: Count
    payments: Count
    refunds: Count
    stars: int


class Encryption(Part, frozen=True):
    """How the chunks are encrypted.

    Attributes:
        recipient: the public half of the identity of this backup, which is an age one.
        key: the file in which its secret half is wrapped for a passphrase or for recipients.
        wrapped_for: whom.
        commands: what to type to read the backup without neonpay.
    """

    recipient: str
    key: Annotated[str, msgspec.Meta(pattern=r"^keys/[0-9a-f]{32}\.age$")]
    wrapped_for: tuple[str, ...]
    commands: tuple[str, ...]


class Manifest(Part, frozen=True):
    """One backup.

    Attributes:
        made_by: the version of neonpay.
        created_at: the moment that it is of.
        schema: how far the ledger's migrations had come.
        left_out: what it lacks, in words.
        size: bytes of all files that a restore reads.
        added: bytes of those that no earlier backup had.
        form: what is in the chunks.
        file: the pieces of the database's file, where that is the form.
        seal: by which the ledger that it is of knows it again; nobody else can tell.
    """

    backup_id: Annotated[str, msgspec.Meta(pattern=f"^{ID.pattern}$")]
    made_by: str
    created_at: datetime
    description: str
    backup_type: BackupType
    engine: Literal["sqlite", "postgresql"]
    schema: Annotated[str, msgspec.Meta(pattern=r"^\d{4}$")]
    bots: tuple[SavedBot, ...]
    extensions: tuple[SavedExtension, ...]
    compression: Literal["zstd", "none"]
    encryption: Encryption | None
    left_out: tuple[str, ...]
    size: Count
    added: Count
    tables: tuple[SavedTable, ...]
    form: Form = "json"
    file: tuple[Chunk, ...] = ()
    format: int = FORMAT
    seal: str | None = None
    hash: str = ""

    @property
    def bot_ids(self) -> list[int]:
        """Whose it is."""
        return [bot.bot_id for bot in self.bots]

    @property
    def dated(self) -> Dated:
        """What says how long it is kept."""
        payments = sum(bot.payments for bot in self.bots)
        return Dated(self.backup_id, self.created_at, frozenset(self.bot_ids), payments)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(table.rows for table in self.tables)

    def chunks(self) -> Iterator[tuple[SavedTable | None, Chunk]]:
        """Every chunk, in order, and the table that it is of; None for a piece of the database's file."""
        for chunk in self.file:
            yield None, chunk
        for table in self.tables:
            for chunk in table.chunks:
                yield table, chunk


def written(manifest: Manifest) -> bytes:
    """The file of a manifest, with its hash in it."""
    return _file(msgspec.structs.replace(manifest, hash=_hash(manifest)))


def read(backup_id: str, data: bytes) -> Manifest:
    """The manifest of a file, every byte of which is as it was written.

    Raises:
        BackupDamagedError: it is not.
    """
    try:
        found = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        version = _format_of(data)
        if version > FORMAT:
            msg = f"backup {backup_id} is of format {version}, which a newer neonpay has written; upgrade neonpay"
            raise BackupDamagedError(msg) from exc
        msg = f"the manifest of backup {backup_id} cannot be read: {exc}"
        raise BackupDamagedError(msg) from exc
    if found.backup_id != backup_id or found.hash != _hash(found) or _file(found) != data:
        msg = f"the manifest of backup {backup_id} is not as it was written"
        raise BackupDamagedError(msg)
    if (found.form == "sqlite") != bool(found.file) or (found.file and found.tables):
        msg = f"the manifest of backup {backup_id} names files that its form has not"
        raise BackupDamagedError(msg)
    for table in found.tables:
        if len(table.columns) != len(table.kinds) or len(set(table.columns)) != len(table.columns):
            msg = f"the manifest of backup {backup_id} has other columns than values in {table.name}"
            raise BackupDamagedError(msg)
        if sum(chunk.rows for chunk in table.chunks) != table.rows:
            msg = f"the manifest of backup {backup_id} counts the rows of {table.name} in two ways"
            raise BackupDamagedError(msg)
    return found


def _file(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def _hash(manifest: Manifest) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(manifest, hash=""))).hexdigest()


class _Versioned(msgspec.Struct):
    format: int = 0


def _format_of(data: bytes) -> int:
    try:
        return msgspec.json.decode(data, type=_Versioned).format
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return 0
