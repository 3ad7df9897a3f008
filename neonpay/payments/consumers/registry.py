"""The registry of consumers: who delivers in this shop, as a fact of the ledger and not of the program that happens to look.

A bot, a back end, a panel and a cron job are programs of one shop, and any of them may record a payment or a refund. Each
program that delivers declares its handlers here when it opens; whoever records plans the jobs from these rows, and leaves what
it cannot run to a program that can. The registry has a version that rises on each change, so that a program reads the rows anew
only then.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.ledger import Insert, Statement, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import consumers, registry


class ConsumerKind(enum.StrEnum):
    """What a consumer does with a payment."""

    DELIVERS = "delivers"
    """An ``on_payment`` handler; a payment that none of them takes is not delivered."""
    REVOKES = "revokes"
    """An ``on_refund`` handler."""
    REVIEWS = "reviews"
    """A ``refunds.on_request`` hook; a request is decided by a program that has all of them."""
    THANKS = "thanks"
    """The message to the buyer; alone it delivers nothing."""
    SETTLES = "settles"
    """An extension that makes its rows right for each payment."""
    GUARDS = "guards"
    """An extension by whose rules the shop sells; a program without it sells nothing."""
    SUBSCRIBES = "subscribes"
    """Is told of events of the kinds that it names."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a program says about a consumer of its own.

    Attributes:
        stage_ids: the stages it takes, or None for all.
        was: the name that it had before; unfinished jobs of that name become its own.
        event_names: the kinds of events that a subscriber is told of.
    """

    consumer: str
    kind: ConsumerKind
    stage_ids: frozenset[str] | None = None
    was: str | None = None
    event_names: frozenset[str] = frozenset()

    @property
    def events_text(self) -> str | None:
        """The kinds of events as the ledger keeps them."""
        return jsontext.dump(sorted(self.event_names)) if self.event_names else None

    @property
    def stages_text(self) -> str | None:
        """The stages as the ledger keeps them."""
        return None if self.stage_ids is None else jsontext.dump(sorted(self.stage_ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A consumer as the ledger has it.

    Attributes:
        since: it gets the payments that are recorded from then on.
        seen_at: when a program that has it was last heard of.
        complete_number: what is told by events up to this number has its jobs.
        retired_at: from then on it gets no payments.
        renamed_to: the consumer that has taken its place.
        event_names: the kinds of events that a subscriber is told of.
        named_at_us: when a program last named each of them; empty where all programs name the same.
    """

    consumer: str
    kind: ConsumerKind
    stage_ids: frozenset[str] | None
    since: datetime
    seen_at: datetime
    retired_at: datetime | None = None
    renamed_to: str | None = None
    complete_number: int = 0
    event_names: frozenset[str] = frozenset()
    named_at_us: Mapping[str, int] = field(default_factory=dict)

    def takes(self, stage_id: str | None) -> bool:
        """Whether payments of this stage are its."""
        return self.stage_ids is None or stage_id in self.stage_ids


class Roster:
    """The consumers of a shop at one version of its registry."""

    def __init__(self, version: int, known: Sequence[Consumer]) -> None:
        self.version = version
        self._active = [consumer for consumer in known if consumer.retired_at is None]
        self._by_stage: dict[tuple[ConsumerKind, str | None], tuple[str, ...]] = {}

    def of_kind(self, kind: ConsumerKind) -> list[str]:
        """The consumers of this kind, whatever stages they take."""
        return [row.consumer for row in self._active if row.kind is kind]

    def names(self, kind: ConsumerKind, stage_id: str | None) -> tuple[str, ...]:
        """The consumers of this kind that take payments of a stage."""
        key = (kind, stage_id)
        found = self._by_stage.get(key)
        if found is None:
            mine = [row.consumer for row in self._active if row.kind is kind and row.takes(stage_id)]
            found = self._by_stage[key] = tuple(mine)
        return found


UNREAD = Roster(-1, [])
"""What is known of a shop before its registry was read."""

VERSION = (
    sa.select(registry.c.version)
    .where(registry.c.bot_id == sa.bindparam("b", type_=sa.BigInteger))
    .correlate(None)
    .scalar_subquery()
)
"""The version of a bot's registry, NULL before its first declaration, as a part of a larger statement."""
_VERSION = Statement(sa.select(sa.func.coalesce(VERSION, 0)), "b")
_FIRST = Insert(registry, "bot_id", "version")


def read_version(transaction: Transaction, bot_id: int) -> int:
    """The version of the registry; 0 before the first declaration."""
    row = transaction.row(_VERSION, bot_id)
    assert row is not None, "a select without a table has one row"
    return int(row[0])


def read_consumers(transaction: Transaction, bot_id: int) -> list[Consumer]:
    """Every consumer that was ever declared, in the order of their declaration."""
    query = sa.select(consumers).where(consumers.c.bot_id == bot_id).order_by(consumers.c.since, consumers.c.consumer)
    found: list[Consumer] = []
    for row in transaction.connection.execute(query).mappings():
        values = {name: row[name] for name in _AS_THEY_ARE}
        stages = row["stages"]
        stage_ids = None if stages is None else frozenset(cast("list[str]", jsontext.load(stages)))
        events = jsontext.load(row["events"] or "[]")
        named_at_us = cast("dict[str, int]", events) if isinstance(events, dict) else {}
        event_names = frozenset(cast("list[str]", events))
        if row["kind"] not in _KINDS:
            continue  # of a newer program, which looks after it
        kind = ConsumerKind(row["kind"])
        found.append(
            Consumer(kind=kind, stage_ids=stage_ids, event_names=event_names, named_at_us=named_at_us, **values)
        )
    return found


_KINDS = frozenset(kind.value for kind in ConsumerKind)
_AS_THEY_ARE = ("consumer", "since", "seen_at", "retired_at", "renamed_to", "complete_number")


def database_now_us(transaction: Transaction) -> int:
    """Now, by the clock of the registry."""
    return int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())


def lock_registry(transaction: Transaction, bot_id: int) -> None:
    """Let no other transaction change the registry until this one ends."""
    transaction.insert(_FIRST, (bot_id, 0))
    query = sa.select(registry.c.version).where(registry.c.bot_id == bot_id).with_for_update()
    transaction.connection.execute(query)


def raise_version(transaction: Transaction, bot_id: int) -> None:
    """Have every program read the registry anew before its next payment."""
    risen = sa.update(registry).where(registry.c.bot_id == bot_id).values(version=registry.c.version + 1)
    transaction.connection.execute(risen)


def touch(transaction: Transaction, bot_id: int, names: Sequence[str]) -> None:
    """Note that a program which has these consumers is alive."""
    mine = (consumers.c.bot_id == bot_id, consumers.c.consumer.in_(names))
    transaction.connection.execute(sa.update(consumers).where(*mine).values(seen_at=DatabaseNow()))
