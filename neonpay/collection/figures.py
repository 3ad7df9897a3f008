"""What a centre has been told, by bot and kind: the answers of its queries, each a unit of work over what it keeps."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.ledger.tables_collection import collected_bots
from neonpay.ledger.tables_tracking import soft_events
from neonpay.tracking.money import MONEY

DAY_US: Final = timedelta(days=1) // timedelta(microseconds=1)
DAYS_MAX: Final = 400


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
    """

    bot_id: int
    alias: str | None
    name: str | None
    first_at: datetime
    seen_at: datetime
    events: int
    repeated: int
    moved: int


def bots(transaction: Transaction) -> list[BotStatus]:
    """Every bot that has sent something; a unit of work."""
    columns = ("bot_id", "alias", "name", "first_at", "seen_at", "events", "repeated", "moved")
    query = sa.select(*(collected_bots.c[each] for each in columns)).order_by(collected_bots.c.bot_id)
    return [BotStatus(**row) for row in transaction.connection.execute(query).mappings()]


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
    query = (
        sa.select(day, event.kind, sa.func.count(), sa.func.count(event.user_id.distinct()), _stars())
        .where(event.bot_id == bot.bot_id, event.at >= since_us, event.at < until_us)
        .group_by(day, event.kind)
        .order_by(day, event.kind)
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
    mine = (event.bot_id == bot.bot_id, event.at >= since_us, event.at < until_us)
    kinds = sa.select(event.kind, sa.func.count()).where(*mine).group_by(event.kind).order_by(event.kind)
    by_kind = {str(kind): int(count) for kind, count in transaction.connection.execute(kinds).all()}
    # Two steps, of which PostgreSQL hashes the first; it would sort for a count of what is distinct.
    whoever = sa.select(event.user_id).where(*mine, event.user_id.is_not(None)).distinct().subquery()
    people = transaction.connection.execute(sa.select(sa.func.count()).select_from(whoever)).scalar_one()
    paid = sa.select(_stars(), sa.func.count().filter(event.kind == "payment_completed")).where(
        *mine, event.kind.in_(MONEY)
    )
    stars, payments = transaction.connection.execute(paid).one()
    return BotFigures(
        bot_id=bot.bot_id,
        alias=bot.alias,
        name=bot.name,
        events=sum(by_kind.values()),
        people=int(people),
        payments=int(payments),
        revenue_stars=int(stars),
        events_by_kind=by_kind,
    )


def _stars() -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(soft_events.c.stars), 0)
