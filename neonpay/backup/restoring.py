"""A ledger is made of a backup: read back and checked first, then loaded into a new database, then put in its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from neonpay.backup import swap_sqlite
from neonpay.backup.checking import opening_of
from neonpay.backup.encryption import Secrets
from neonpay.backup.folder import BackupFolder, lacks_room
from neonpay.backup.loading import Loading
from neonpay.backup.manifest import Manifest
from neonpay.backup.packing import Note
from neonpay.backup.settling import fence, give_to_another_bot, refuse_slow_clock, settle
from neonpay.backup.sites import InFile, InTransaction, Site
from neonpay.books.verification import Proof, halves, proof_of
from neonpay.core.clock import Clock, microseconds
from neonpay.errors import BackupError, ConfigurationError, LedgerFullError, RestoreRefusedError
from neonpay.ledger import ExtensionTables, Transaction, open_ledger
from neonpay.ledger.open import place_of
from neonpay.ledger.tables import keys

Made: TypeAlias = tuple[list[Proof], Mapping[int, Mapping[str, int]]]
Making: TypeAlias = Callable[[Site], Made]
Scratch: TypeAlias = Callable[[Loading, Making], tuple[str, Made]]
"""Makes a ledger in a database that is thrown away; which one it was, and what has become of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be restored, and where.

    Attributes:
        bot_id: the bot of the settings, when they name one.
        force: whether a backup may go to another bot, or take the place of another one's ledger.
        extensions: tables of the extensions that are installed here.
        line: what to type to restore it, for messages that refuse.
        database_option: what names the database there; apart, since some messages name another one.
    """

    backup_id: str
    database_url: str = field(repr=False)
    secrets: Secrets = field(default_factory=Secrets)
    bot_id: int | None = None
    force: bool = False
    extensions: Sequence[ExtensionTables] = ()
    line: str = ""
    database_option: str = ""

    @property
    def typed(self) -> str:
        """What to type to restore it."""
        return f"{self.typed_elsewhere}{self.database_option}"

    @property
    def typed_elsewhere(self) -> str:
        """The same without the database."""
        return self.line or f"neonpay backup restore {self.backup_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What has become of a backup.

    Attributes:
        place: which database it is now, without a password.
        kept: where the ledger is that was there before; None when there was none.
        parked: how much waits for a person, by bot and by what it is: ``jobs``, ``messages``, ``invoices``.
        proofs: of the books, one for each bot.
    """

    manifest: Manifest
    place: str
    kept: str | None
    parked: Mapping[int, Mapping[str, int]]
    proofs: Sequence[Proof]


def restore(folder: BackupFolder, order: Order, *, clock: Clock, note: Note) -> Restored:
    """The backup is the ledger of a database, and what was there before is kept beside it.

    It does nothing old by itself: what was waiting waits for a person, and so does what is found of the time since. Call it
    from a thread without an event loop.

    Raises:
        BackupNotFoundError, BackupDamagedError, BackupKeyError: the backup cannot be read; nothing was changed.
        RestoreRefusedError: it may not take this place; the message says what to type; nothing was changed.
        ExtensionError: an extension that it has rows of is not installed; nothing was changed.
        LedgerError, BackupError: the new ledger could not be made; what was there is as it was.
    """
    manifest = folder.manifest(order.backup_id)
    _refuse_slow_clock(manifest, clock)
    _refuse_other_engine(manifest, order)
    bots = _bots(manifest, order)
    loading = Loading(
        folder,
        manifest,
        opening_of(folder, manifest, order.secrets),
        note,
        bots=bots,
        extensions={tables.name: tables for tables in order.extensions},
    )
    loading.require_known()
    url = sa.make_url(order.database_url)
    open_ledger(order.database_url)  # raises ConfigurationError when no engine serves it
    if url.get_backend_name() == "sqlite":
        return _into_sqlite(Path(str(url.database)), loading, order, clock)
    return _into_postgresql(url.set(drivername="postgresql+asyncpg"), loading, order, clock)


def try_out(folder: BackupFolder, order: Order, scratch: Scratch, *, clock: Clock, note: Note) -> Restored:
    """The same into a database that nobody uses, which is gone afterwards; raises as ``restore`` does."""
    manifest = folder.manifest(order.backup_id)
    _refuse_other_engine(manifest, order)
    opening = opening_of(folder, manifest, order.secrets)
    loading = Loading(folder, manifest, opening, note, extensions={one.name: one for one in order.extensions})
    loading.require_known()
    place, (proofs, parked) = scratch(loading, lambda site: _made(site, loading, clock))
    return Restored(manifest=manifest, place=place, kept=None, parked=parked, proofs=proofs)


def _into_sqlite(path: Path, loading: Loading, order: Order, clock: Clock) -> Restored:
    manifest = loading.manifest
    if path.is_symlink():
        path = path.resolve()  # a new file in the place of the link would not be where the bots have theirs
    with swap_sqlite.nobody_uses(path, order.typed):
        pass
    _refuse_other_bots(_bots_of_file(path), loading, order)
    new = path.with_name(f"{path.name}.restoring")
    try:
        with swap_sqlite.new_file(new, clock, loading.content()) as transaction:
            proofs, parked = _made(InFile(transaction), loading, clock)
    except (BackupError, LedgerFullError) as error:
        if lacks_room(error):
            what = "there, since the ledger that is there is kept until then" if path.exists() else "there"
            error.add_note(f"make room in {new.parent.resolve()}: the new ledger is made {what}; nothing was changed")
        raise
    try:
        with swap_sqlite.nobody_uses(path, order.typed):
            # Only now, since somebody may have sold on the old one while this one was made.
            with swap_sqlite.once_more(new, clock) as transaction:
                _fence(transaction, loading, clock, parked)
            kept = swap_sqlite.swap(new, path, manifest.backup_id)
    except BaseException:
        swap_sqlite.remove(new)
        raise
    place = place_of(order.database_url)
    return Restored(
        manifest=manifest, place=place, kept=None if kept is None else str(kept), parked=parked, proofs=proofs
    )


def _into_postgresql(url: sa.URL, loading: Loading, order: Order, clock: Clock) -> Restored:
    from neonpay.backup import sites_postgresql, swap_postgresql  # their driver is an extra

    def look(transaction: Transaction, own: Collection[int]) -> None:
        swap_postgresql.require_nobody(transaction, order.typed, order.typed_elsewhere, own)
        _refuse_other_bots(_bots_of(transaction), loading, order)

    def restored(made: Made, schema: str | None) -> Restored:
        return Restored(
            manifest=loading.manifest,
            place=place_of(order.database_url),
            kept=None if schema is None else f"schema {schema}",
            parked=made[1],
            proofs=made[0],
        )

    def at_once(transaction: Transaction) -> Restored:
        look(transaction, ())
        schema = swap_postgresql.set_aside(transaction, order.backup_id)
        made = _made(InTransaction(transaction), loading, clock)
        _fence(transaction, loading, clock, made[1])
        return restored(made, schema)

    with sites_postgresql.in_new_schema(url, clock, look) as site:
        if site is None:
            return swap_postgresql.in_one_transaction(url, at_once, clock)
        made = _made(site, loading, clock)

        def put(transaction: Transaction) -> Restored:
            # Once more, since somebody may have sold on the old one while this one was made.
            look(transaction, site.pids)
            schema = swap_postgresql.set_aside(transaction, order.backup_id)
            site.take_out(transaction, schema)
            _fence(transaction, loading, clock, made[1])
            return restored(made, schema)

        return swap_postgresql.in_one_transaction(url, put, clock)


def _made(site: Site, loading: Loading, clock: Clock) -> Made:
    """A ledger was made of a backup, proved to be the same one, and settled."""
    loading.load(site)
    manifest = loading.manifest
    bots = {bot.bot_id: loading.bots.get(bot.bot_id, bot.bot_id) for bot in manifest.bots}
    given = [bot_id for was, bot_id in bots.items() if was != bot_id]
    for bot_id in given:
        site.step(partial(give_to_another_bot, bot_id=bot_id))
    found = iter(site.reading([half for bot_id in bots.values() for half in halves(bot_id)]))
    proofs = [proof_of(bot_id, [next(found), next(found)]) for bot_id in bots.values()]
    for bot, proof in zip(manifest.bots, proofs, strict=True):
        head = bot.head if proof.bot_id in given else proof.head
        if (head, proof.seals, proof.payments, proof.refunds) != (bot.head, bot.seals, bot.payments, bot.refunds):
            whose = f"bot {proof.bot_id} are not those that backup {manifest.backup_id} was made of"
            msg = f"the books of {whose}; nothing was kept"
            raise BackupError(msg)
    made_us = microseconds(manifest.created_at)
    now_us = max(clock.now_us(), made_us)
    parked = site.step(
        lambda transaction: {
            bot_id: settle(transaction, bot_id, made_us=made_us, now_us=now_us) for bot_id in bots.values()
        }
    )
    return proofs, parked


def _fence(transaction: Transaction, loading: Loading, clock: Clock, parked: Mapping[int, Mapping[str, int]]) -> None:
    manifest = loading.manifest
    made_us = microseconds(manifest.created_at)
    now_us = max(clock.now_us(), made_us)
    fence(transaction, manifest.backup_id, made_us=made_us, now_us=now_us, parked=parked)


def _bots(manifest: Manifest, order: Order) -> Mapping[int, int]:
    wanted = order.bot_id
    if wanted is None or wanted in manifest.bot_ids or not manifest.bot_ids:
        return {}
    whose = ", ".join(map(str, manifest.bot_ids))
    if not order.force:
        msg = (
            f"backup {manifest.backup_id} is of bot {whose}, and the settings name bot {wanted}; to give it to that bot run: "
            f"{order.typed} --force"
        )
        raise RestoreRefusedError(msg)
    if manifest.form == "sqlite":
        msg = (
            f"backup {manifest.backup_id} is the file of a database, in which everything is of bot {whose}, so that it cannot "
            f"be given to bot {wanted}; restore it for bot {whose}, then run: neonpay backup create --form json"
            f"{order.database_option}"
        )
        raise RestoreRefusedError(msg)
    if len(manifest.bots) > 1:
        msg = f"backup {manifest.backup_id} is of several bots ({whose}), so that it cannot be given to bot {wanted}"
        raise ConfigurationError(msg)
    return {manifest.bot_ids[0]: wanted}


def _refuse_other_bots(there: Sequence[int], loading: Loading, order: Order) -> None:
    brought = {loading.bots.get(bot_id, bot_id) for bot_id in loading.manifest.bot_ids}
    others = sorted(set(there) - brought)
    if others and not order.force:
        names = ", ".join(map(str, others))
        msg = (
            f"the database has bot {names}, which backup {order.backup_id} does not have; to put the backup in its place, and "
            f"keep what is there beside it, run: {order.typed} --force"
        )
        raise RestoreRefusedError(msg)


def _bots_of(transaction: Transaction) -> list[int]:
    if not sa.inspect(transaction.connection).has_table(keys.name):
        return []
    return list(transaction.connection.execute(sa.select(keys.c.bot_id).distinct()).scalars())


def _bots_of_file(path: Path) -> list[int]:
    """The bots of a file; none when it is no ledger, or cannot be read any more."""
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            return [int(row[0]) for row in raw.execute("SELECT DISTINCT bot_id FROM neonpay_keys")]
    except sqlite3.Error:
        return []


def _refuse_other_engine(manifest: Manifest, order: Order) -> None:
    engine = "sqlite" if sa.make_url(order.database_url).get_backend_name() == "sqlite" else "postgresql"
    if manifest.form in {"json", engine}:
        return
    of, url = (
        ("SQLite", "sqlite:///FILE") if manifest.form == "sqlite" else ("PostgreSQL", "postgresql://USER@HOST/DATABASE")
    )
    msg = (
        f"backup {manifest.backup_id} has the form of {of}, and goes into no other engine; for one that does run: neonpay "
        f"backup create --form json; to restore this one run: {order.typed_elsewhere} --database {url}"
    )
    raise RestoreRefusedError(msg)


def _refuse_slow_clock(manifest: Manifest, clock: Clock) -> None:
    refuse_slow_clock(clock, manifest.created_at, "the backup was made")
