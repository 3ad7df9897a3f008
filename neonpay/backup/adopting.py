"""A ledger that came back by other means than a restore is made as safe as one that was restored.

Whoever copies a database, by litestream, a WAL archive, ``pg_dump`` or a snapshot of a disk, has a ledger that believes it is
the one that sold until now. It would do again what was done after the copy: what was waiting in it is parked, and what it does
not have waits behind the fence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import sqlalchemy as sa

from neonpay.backup import swap_sqlite
from neonpay.backup.runs import ADOPTED
from neonpay.backup.settling import fence, refuse_slow_clock, settle
from neonpay.books.verification import Proof, prove
from neonpay.core.clock import Clock, microseconds, moment
from neonpay.errors import NoLedgerError
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.migrate import LOCK, REVISIONS, bring_to_newest, standing
from neonpay.ledger.open import place_of
from neonpay.ledger.revisions import is_due
from neonpay.ledger.tables import consumers, events, keys, payments, sequences

T = TypeVar("T")

LINE: Final = "neonpay backup adopt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What has become of a copy.

    Attributes:
        place: which database it is, without a password.
        newest_at: the last thing that it knows of; None when it knows of none.
        parked: how much waits for a person, by bot and by what it is: ``jobs``, ``messages``, ``invoices``.
        proofs: of the books, one for each bot.
    """

    place: str
    newest_at: datetime | None
    parked: Mapping[int, Mapping[str, int]]
    proofs: Sequence[Proof]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What would become of a ledger if it were adopted.

    Attributes:
        place: which database it is, without a password.
        heard_of_at: when a program was at work on it last, as far as it knows; None when it knows of none.
        waiting: how much would wait for a person, by what it is.
    """

    place: str
    heard_of_at: datetime | None
    waiting: Mapping[str, int]


class _Undone(Exception):  # noqa: N818  # it is no error: the transaction is to be undone
    def __init__(self, found: Looked) -> None:
        self.found = found


def adopt(database_url: str, *, clock: Clock) -> Adopted:
    """The ledger of a database, which is a copy of one that sold on, does nothing old by itself from now on.

    What was waiting in it waits for a person, and so does what is found that was paid until now. Call it before the bot starts
    on the copy, from a thread without an event loop.

    Raises:
        RestoreRefusedError: a program is at work on it, or the clock is behind it; nothing was changed.
        LedgerError: there is none, or it could not be written; nothing was changed.
        ConfigurationError: no engine serves the URL.
    """
    place = place_of(database_url)

    def unit(transaction: Transaction) -> Adopted:
        found, made_us, now_us = _begun(transaction, place, clock)
        bots = _bots(transaction)
        proofs = [prove(transaction, bot_id) for bot_id in bots]
        parked = {bot_id: settle(transaction, bot_id, made_us=made_us, now_us=now_us) for bot_id in bots}
        fence(transaction, f"{ADOPTED}{moment(now_us):%Y_%m_%d_%H%M%S}", made_us=made_us, now_us=now_us, parked=parked)
        return Adopted(place=place, newest_at=found, parked=parked, proofs=proofs)

    return _alone(database_url, unit, clock)


def look(database_url: str, *, clock: Clock) -> Looked:
    """What ``adopt`` would do; nothing was changed. Raises as that does."""
    place = place_of(database_url)

    def unit(transaction: Transaction) -> Looked:
        found, made_us, now_us = _begun(transaction, place, clock)
        heard_of_at = transaction.connection.execute(sa.select(sa.func.max(consumers.c.seen_at))).scalar()
        waiting: Counter[str] = Counter()
        for bot_id in _bots(transaction):
            waiting.update(settle(transaction, bot_id, made_us=made_us, now_us=now_us))
        times = [at for at in (found, heard_of_at) if at is not None]
        raise _Undone(Looked(place=place, heard_of_at=max(times, default=None), waiting=waiting))

    try:
        return _alone(database_url, unit, clock)
    except _Undone as undone:
        return undone.found


def _alone(database_url: str, unit: Callable[[Transaction], T], clock: Clock) -> T:
    url = sa.make_url(database_url)
    open_ledger(database_url)  # raises ConfigurationError when no engine serves it
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        if not path.is_file():
            msg = f"there is no ledger in {path}; name the copy: --database sqlite:///PATH"
            raise NoLedgerError(msg)
        with swap_sqlite.in_place(path, LINE, clock) as transaction:
            return unit(transaction)

    from neonpay.backup import swap_postgresql  # its driver is an extra

    def after_a_look(transaction: Transaction) -> T:
        swap_postgresql.require_nobody(transaction, LINE, LINE)
        transaction.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        return unit(transaction)

    return swap_postgresql.in_one_transaction(url.set(drivername="postgresql+asyncpg"), after_a_look, clock)


def _begun(transaction: Transaction, place: str, clock: Clock) -> tuple[datetime | None, int, int]:
    """The last thing that a ledger knows of, when the copy was made as far as that tells, and now; its tables are of today."""
    connection = transaction.connection
    found = standing(connection)
    if found is None:
        msg = f"there is no ledger in {place}; name the copy: --database URL"
        raise NoLedgerError(msg)
    if is_due(found, REVISIONS, package="neonpay"):
        bring_to_newest(connection)
    newest_at: datetime | None = connection.execute(sa.select(sa.func.max(events.c.at))).scalar()
    if newest_at is None:
        return None, clock.now_us(), clock.now_us()
    refuse_slow_clock(clock, newest_at, "the last thing that the ledger knows of")
    return newest_at, microseconds(newest_at), max(clock.now_us(), microseconds(newest_at))


def _bots(transaction: Transaction) -> list[int]:
    known = sa.union(sa.select(keys.c.bot_id), sa.select(sequences.c.bot_id), sa.select(payments.c.bot_id))
    return sorted(transaction.connection.execute(known).scalars())
