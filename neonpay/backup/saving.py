"""A backup is made: one snapshot of the ledger, table by table and some rows at a time, into a folder."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import BinaryIO, Final, Literal

import sqlalchemy as sa

from neonpay._version import __version__
from neonpay.backup.ahead import THREADS
from neonpay.backup.chunking import chunks_of, frame_of
from neonpay.backup.encryption import Sealing, Secrets
from neonpay.backup.folder import BackupFolder, lacks_room
from neonpay.backup.kinds import BackupType, Form
from neonpay.backup.manifest import ID, Chunk, Manifest, SavedBot, SavedTable
from neonpay.backup.packing import Compression, Note, Packer, require
from neonpay.backup.reading import lines_of
from neonpay.backup.room import keep_order
from neonpay.backup.sharing import PIECE_BYTES, Packing, Shared
from neonpay.backup.snapshot import Source, at_one_moment
from neonpay.backup.tables import SECRET, Kept, own_tables, tables_of_extensions, why_left_out
from neonpay.core.clock import Clock, moment
from neonpay.errors import BackupError, ConfigurationError, SchemaTooNewError, ValidationError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.migrate import REVISIONS, standing
from neonpay.ledger.tables import journal, keys, payments, refunds, seals, sequences
from neonpay.store.entries import STARS

logger = logging.getLogger("neonpay.backup")

DESCRIPTION_CHARS: Final = 500
_ENDS: Final[Mapping[Form, str]] = MappingProxyType({"json": "jsonl", "sqlite": "db", "postgresql": "sql"})
_ENGINES: Final[Mapping[Form, str]] = MappingProxyType({"sqlite": "SQLite", "postgresql": "PostgreSQL"})
_OF_CONTENTS: Final = b"neonpay backup contents\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What backup is to be made.

    Attributes:
        backup_type: how much of it is written anew.
        form: what is in its files.
        secrets: whom it is encrypted for; nobody when it has neither passphrase nor recipients.
        rest: called after some rows, by whoever shares its process with a shop.

    Raises:
        ValidationError: the description is too long.
    """

    description: str = ""
    backup_type: BackupType = BackupType.INCREMENTAL
    compression: Compression = "zstd"
    form: Form = "json"
    secrets: Secrets = field(default_factory=Secrets)
    rest: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        if len(self.description) > DESCRIPTION_CHARS:
            raise ValidationError("description", self.description, f"at most {DESCRIPTION_CHARS} characters")


def save(ledger: Ledger, folder: BackupFolder, wanted: Wanted, *, clock: Clock, note: Note) -> Manifest:
    """A backup of everything in a ledger is in the folder; what is sold meanwhile goes on being sold.

    Call it from a thread without an event loop, with a ledger that nobody who sells waits for.

    Raises:
        BackupError: it could not be made; the backups of before are as they were.
        LedgerError: the ledger could not be read; the same.
        ConfigurationError: something that it needs is not installed.
    """
    require(wanted.compression)
    ledger.open_sync()  # where there is none, no folder is made for its backups
    with folder.alone():
        earlier = list(_readable(folder))
        saving = _Saving(folder, wanted, earlier, note)
        try:
            made = at_one_moment(ledger, saving, clock=clock, rest=wanted.rest)
            folder.write_manifest(made)
        except BackupError as error:
            # The disk may be that of the ledger, which needs the room.
            with suppress(BackupError):
                folder.sweep()
            if lacks_room(error):
                error.add_note(
                    "make room there; what was written of this backup is gone again, and those of before are whole"
                )
            raise
    return made


def new_id(at: datetime, taken: Iterable[str]) -> str:
    """The id of a backup that is made at a time; no other one has it."""
    first = f"backup_{at:%Y_%m_%d_%H%M%S}"
    there, found, number = set(taken), first, 2
    while found in there:
        found, number = f"{first}_{number}", number + 1
    assert ID.fullmatch(found)
    return found


class _Saving:
    """The unit of work that reads everything; what it wrote when it was killed is removed by the next one."""

    def __init__(self, folder: BackupFolder, wanted: Wanted, earlier: Sequence[Manifest], note: Note) -> None:
        self._folder = folder
        self._wanted = wanted
        self._earlier = earlier
        self._note = note

    def __call__(self, source: Source) -> Manifest:
        transaction = source.transaction
        engine: Literal["sqlite", "postgresql"] = "postgresql" if source.file is None else "sqlite"
        self._require_form(engine)
        if self._wanted.form == "postgresql":
            keep_order(transaction.connection)
        schema = _schema(transaction)
        created_at = moment(source.at_us)
        backup_id = new_id(created_at, self._folder.ids())
        content_key = _content_key(transaction) if self._wanted.secrets.encrypts else b""
        base = self._base(content_key)
        sealing = self._sealing(base, backup_id)
        packer = Packer(self._wanted.compression, sealing, content_key)
        extended, extensions = tables_of_extensions(transaction)
        with (
            self._folder.writing() as together,
            ThreadPoolExecutor(THREADS, thread_name_prefix="neonpay-backup") as pool,
        ):
            shared = Shared(self._folder, together, base)
            pack = Packing(pool, shared, packer)
            file: list[Chunk] = []
            tables: list[SavedTable] = []
            if source.file is not None and self._wanted.form == "sqlite":
                file += self._pieces(source.file, pack)
            else:
                tables += [self._table(transaction, kept, pack) for kept in (*own_tables(), *extended)]
        left_out = why_left_out([table.name for table in tables if table.is_left_out])
        if sealing is not None and sealing.wrapped is not None:
            self._folder.write(sealing.encryption.key, sealing.wrapped)
        return Manifest(
            backup_id=backup_id,
            made_by=__version__,
            created_at=created_at,
            description=self._wanted.description,
            backup_type=self._wanted.backup_type,
            engine=engine,
            schema=schema,
            bots=tuple(_bots(transaction)),
            extensions=tuple(extensions),
            compression=self._wanted.compression,
            encryption=None if sealing is None else sealing.encryption,
            left_out=left_out,
            size=sum(chunk.size for chunk in chain(file, *[table.chunks for table in tables])),
            added=shared.added,
            tables=tuple(tables),
            form=self._wanted.form,
            file=tuple(file),
            seal=None if sealing is None else _seal(sealing, self._wanted.secrets, content_key),
        )

    def _require_form(self, engine: Form) -> None:
        wanted = self._wanted
        if wanted.form not in {"json", engine}:
            msg = (
                f"a ledger in {_ENGINES[engine]} has backups of form {engine}, or json, and none of form {wanted.form}"
            )
            raise ConfigurationError(msg)
        if wanted.form == "sqlite" and not wanted.secrets.encrypts:
            msg = (
                "the file of a database has the keys in it, so that a backup of form sqlite must be encrypted: set "
                "NEONPAY_BACKUP_PASSPHRASE, or name --recipient; or leave --form out"
            )
            raise ConfigurationError(msg)

    def _pieces(self, file: BinaryIO, pack: Packing) -> Iterator[Chunk]:
        total = -(-os.fstat(file.fileno()).st_size // PIECE_BYTES)
        for number, chunk in enumerate(pack.pieces(file), 1):
            yield chunk
            self._note("file", number, total)
            self._wanted.rest()

    def _base(self, content_key: bytes) -> list[Manifest]:
        """The backups whose chunks may be shared, newest first."""
        wanted = self._wanted
        if wanted.backup_type is BackupType.FULL:
            return []
        alike = [one for one in self._earlier if one.compression == wanted.compression]
        if wanted.backup_type is BackupType.DIFFERENTIAL:
            full = [one for one in alike if one.backup_type is BackupType.FULL]
            alike = full[:1]
        if not wanted.secrets.encrypts:
            return [one for one in alike if one.encryption is None]
        mine = [one for one in alike if _is_mine(one, wanted.secrets, content_key)]
        return [one for one in mine if one.encryption is not None and one.encryption.key == _key_of(mine[0])]

    def _sealing(self, base: Sequence[Manifest], backup_id: str) -> Sealing | None:
        wanted = self._wanted
        if not wanted.secrets.encrypts:
            return None
        is_compressed = wanted.compression != "none"
        name = f"{backup_id}.{_ENDS[wanted.form]}"
        if base and base[0].encryption is not None:
            return wanted.secrets.sealing_of(base[0].encryption, is_compressed=is_compressed, name=name)
        return wanted.secrets.new_sealing(is_compressed=is_compressed, name=name)

    def _table(self, transaction: Transaction, kept: Kept, pack: Packing) -> SavedTable:
        total = kept.count(transaction)
        is_left_out = kept.name in SECRET and pack.packer.sealing is None
        if is_left_out:
            return SavedTable(
                name=kept.name, columns=kept.columns, kinds=kept.kinds, rows=0, chunks=(), is_left_out=total > 0
            )
        chunks: list[Chunk] = []
        done = 0
        self._note(kept.name, done, total)
        form = self._wanted.form
        frame = frame_of(kept.name, kept.columns, form)
        # Sorting them takes the server as long as reading them, and chunks are shared in any order that stays.
        lines = lines_of(transaction, kept, form, is_sorted=form != "postgresql")
        for chunk in pack.chunks(chunks_of(frame, self._resting(lines))):
            chunks.append(chunk)
            done += chunk.rows
            self._note(kept.name, done, total)
        return SavedTable(
            name=kept.name,
            columns=kept.columns,
            kinds=kept.kinds,
            rows=done,
            chunks=tuple(chunks),
            key=kept.key,
            extension=kept.extension,
        )

    def _resting(self, lines: Iterable[list[bytes]]) -> Iterator[list[bytes]]:
        for some in lines:
            yield some
            self._wanted.rest()


def _readable(folder: BackupFolder) -> Iterator[Manifest]:
    """The backups of a folder, newest first; what cannot be read is told, and shared with nobody."""
    found = []
    for backup_id in folder.ids():
        try:
            found.append(folder.manifest(backup_id))
        except BackupError as error:
            logger.warning("%s; nothing of it is shared", error)
    yield from sorted(found, key=lambda one: one.created_at, reverse=True)


def _schema(transaction: Transaction) -> str:
    found = standing(transaction.connection)
    if found is None or found.revision != REVISIONS[-1]:
        msg = (
            "a newer neonpay has upgraded the ledger; upgrade neonpay here, or some of its tables would be in no backup"
        )
        raise SchemaTooNewError(msg)
    return found.revision


def _content_key(transaction: Transaction) -> bytes:
    """What only programs with this ledger have; another one each time while it has no key."""
    query = sa.select(keys.c.secret).order_by(keys.c.bot_id, keys.c.created_at, keys.c.key_id).limit(1)
    first = transaction.connection.execute(query).scalar()
    secret = secrets.token_bytes(32) if first is None else bytes(first)
    return hashlib.sha256(_OF_CONTENTS + secret).digest()


def _seal(sealing: Sealing, given: Secrets, content_key: bytes) -> str:
    encryption = sealing.encryption
    return _tag(encryption.recipient, encryption.key, given, content_key)


def _tag(recipient: str, key: str, given: Secrets, content_key: bytes) -> str:
    what = json.dumps([recipient, key, given.wrapped_for, given.passphrase or ""]).encode()
    return hmac.new(content_key, what, "sha256").hexdigest()


def _is_mine(one: Manifest, given: Secrets, content_key: bytes) -> bool:
    """Whether a backup was encrypted by this ledger for the same people: a key that somebody else put there is not used."""
    if one.encryption is None or one.seal is None:
        return False
    mine = _tag(one.encryption.recipient, one.encryption.key, given, content_key)
    return hmac.compare_digest(mine, one.seal)


def _key_of(one: Manifest) -> str | None:
    return None if one.encryption is None else one.encryption.key


def _bots(transaction: Transaction) -> Iterator[SavedBot]:
    known = sa.union(sa.select(keys.c.bot_id), sa.select(sequences.c.bot_id), sa.select(payments.c.bot_id).distinct())
    for bot_id in sorted(transaction.connection.execute(known).scalars()):
        last = sa.select(seals.c.hash).where(seals.c.bot_id == bot_id).order_by(seals.c.number.desc())
        head = transaction.connection.execute(last.limit(1)).first()
        held = sa.select(sa.func.coalesce(sa.func.sum(journal.c.amount_stars), 0)).where(
            journal.c.bot_id == bot_id, journal.c.account == STARS
        )
        yield SavedBot(
            bot_id=bot_id,
            head=None if head is None else head.hash,
            seals=_count(transaction, seals, bot_id),
            payments=_count(transaction, payments, bot_id),
            refunds=_count(transaction, refunds, bot_id),
            stars=int(transaction.connection.execute(held).scalar_one()),
        )


def _count(transaction: Transaction, table: sa.Table, bot_id: int) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(table.c.bot_id == bot_id)
    return int(transaction.connection.execute(query).scalar_one())
