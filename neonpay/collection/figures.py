"""What a centre has been told, by bot and kind: the answers of its queries, each a unit of work over what it keeps."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from neonpay.analytics.managers.roster import registered_names
from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.ledger.tables_collection import collected_bots
from neonpay.ledger.tables_tracking import soft_events
from neonpay.tracking.money import COMPLETED, MONEY
from neonpay.tracking.retention import kinds_of

DAY_US: Final = timedelta(days=1) // timedelta(microseconds=1)
DAYS_MAX: Final = 400
_KINDS_MAX: Final = 500


class BotFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one bot has told of a period.

    Attributes:
        people: how many different people its events name.
        revenue_stars: what was paid and not given back, as far as it told.
        events_by_kind: how many there are of each kind.
    """

    bot_id: int
    alias: str | None
    name: str | None
    events: int
    people: int
    payments: int
    revenue_stars: int
    events_by_kind: dict[str, int]


class NetworkFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What all bots have told of a period; people who use several bots count once for each."""

    since: datetime
    until: datetime
    events: int
    people: int
    payments: int
    revenue_stars: int
    bots: list[BotFigures]


class BotStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a centre knows of a bot.

    Attributes:
        events: how many are kept that it has sent.
        repeated: how many came more than once, and were not kept again.
        moved: how many of those that came told a time that could not be.
        ledger_at: when it sent last what its ledger knows, beside which nothing of money is kept; None where it does not.
    """

    bot_id: int
    alias: str | None
    name: str | None
    first_at: datetime
    seen_at: datetime
    events: int
    repeated: int
    moved: int
    ledger_at: datetime | None = None


def bots(transaction: Transaction) -> list[BotStatus]:
    """Every bot that has sent something, by the name that this ledger has for it; a unit of work."""
    columns = ("bot_id", "alias", "name", "first_at", "seen_at", "events", "repeated", "moved", "ledger_at")
    query = sa.select(*(collected_bots.c[each] for each in columns)).order_by(collected_bots.c.bot_id)
    names = registered_names(transaction)
    found = [BotStatus(**row) for row in transaction.connection.execute(query).mappings()]
    return [msgspec.structs.replace(bot, name=names.get(bot.bot_id, bot.name)) for bot in found]


def together(each: list[BotFigures], since_us: int, until_us: int) -> NetworkFigures:
    """The figures of bots, and their sums."""
    return NetworkFigures(
        since=moment(since_us),
        until=moment(until_us),
        events=sum(one.events for one in each),
        people=sum(one.people for one in each),
        payments=sum(one.payments for one in each),
        revenue_stars=sum(one.revenue_stars for one in each),
        bots=each,
    )


DAILY: Final = ("day", "bot_id", "alias", "name", "kind", "events", "people", "stars")
"""The columns of an export."""


def daily(transaction: Transaction, bot: BotStatus, since_us: int, until_us: int) -> list[tuple[object, ...]]:
    """Events of a bot by UTC day and kind, in the columns ``DAILY``; a unit of work. Nobody is named in it."""
    event = soft_events.c
    width = sa.literal_column(str(DAY_US), sa.BigInteger)
    day = (sa.type_coerce(event.at, sa.BigInteger) // width).label("day")
    span = _Span(bot.bot_id, since_us, until_us, kinds_of(transaction, bot.bot_id))
    told = span.told(day, event.kind, event.user_id, event.stars).c
    query = (
        sa.select(told.day, told.kind, sa.func.count(), sa.func.count(told.user_id.distinct()), _sum(told.stars))
        .group_by(told.day, told.kind)
        .order_by(told.day, told.kind)
    )
    found: list[tuple[object, ...]] = []
    for number, kind, events, people, stars in transaction.connection.execute(query).all():
        on = moment(int(number) * DAY_US).date().isoformat()
        found.append((on, bot.bot_id, bot.alias, bot.name, kind, events, people, int(stars)))
    return found


def as_csv(rows: Sequence[tuple[object, ...]]) -> str:
    """An export as CSV; text that a spreadsheet would take for a formula is quoted by an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(DAILY)
    writer.writerows(_cells(rows))
    return text.getvalue()


def _cells(rows: Sequence[tuple[object, ...]]) -> Iterator[list[object]]:
    for row in rows:
        yield [f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell for cell in row]


def of_bot(transaction: Transaction, bot: BotStatus, since_us: int, until_us: int) -> BotFigures:
    """What a bot has told of a period; a unit of work."""
    event = soft_events.c
    span = _Span(bot.bot_id, since_us, until_us, kinds_of(transaction, bot.bot_id))
    told = span.told(event.kind).c
    kinds = sa.select(told.kind, sa.func.count()).group_by(told.kind).order_by(told.kind)
    by_kind = {str(kind): int(count) for kind, count in transaction.connection.execute(kinds).all()}
    people = span.told(event.user_id).c
    # Two steps, of which PostgreSQL hashes the first; it would sort for a count of what is distinct.
    # Whom an event does not name is left out by the count: as a condition it would lead SQLite to another index.
    whoever = sa.select(people.user_id).distinct().subquery().c.user_id
    number = transaction.connection.execute(sa.select(sa.func.count(whoever))).scalar_one()
    money = replace(span, kinds=MONEY).told(event.kind, event.stars).c
    paid = sa.select(_sum(money.stars), sa.func.count().filter(money.kind == COMPLETED))
    stars, payments = transaction.connection.execute(paid).one()
    return BotFigures(
        bot_id=bot.bot_id,
        alias=bot.alias,
        name=bot.name,
        events=sum(by_kind.values()),
        people=int(number),
        payments=int(payments),
        revenue_stars=int(stars),
        events_by_kind=by_kind,
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """A period of a bot.

    Attributes:
        kinds: of its events.
    """

    bot_id: int
    since_us: int
    until_us: int
    kinds: Sequence[str]

    def told(self, *columns: sa.ColumnElement[Any]) -> sa.Subquery:
        """These columns of what was told, kind by kind: an index leads to the period in each of them.

        Of several kinds in one condition SQLite makes nothing, and reads all that the bot has ever told.
        """
        event = soft_events.c
        its = sa.select(*columns).where(
            event.bot_id == self.bot_id, event.at >= self.since_us, event.at < self.until_us
        )
        if not self.kinds or len(self.kinds) > _KINDS_MAX:  # a bot that names its kinds anew each time is read whole
            return its.subquery()
        return sa.union_all(*[its.where(event.kind == kind) for kind in self.kinds]).subquery()


def _sum(stars: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(stars), 0)
