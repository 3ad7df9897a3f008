"""What somebody means who types into the search: a charge, a person, an order, or a product."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from neonpay.analytics.measures import microseconds_of
from neonpay.core.charge_ids import charge_key
from neonpay.core.jsontext import load_object
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import begins
from neonpay.ledger.tables import HAS_OWN_TITLE, IS_NOT_ACCEPTED, events, invoices, payments, stages
from neonpay.store.sequence import unnumbered_ids
from neonpay.web.names import users_called

MOST_CHARS: Final = 200
_MOST_DIGITS: Final = 18
_CUT: Final = re.compile(r"…|\.\.\.")
_LEAST_OF_ID: Final = 4
"""A beginning of an id has at least so many characters; fewer would find what nobody meant."""
_MOST_INVOICES: Final = 20
_AHEAD_US: Final = 3_600 * 1_000_000
"""What Telegram's clock, by which payments are dated, may be behind ours."""
_ASKED_WITHIN_US: Final = 30 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Meant:
    """An invoice that is meant: who may pay it, None for anybody, and when it was made, in microseconds."""

    invoice_id: str
    user_id: int | None
    created_us: int


@dataclass(frozen=True, slots=True)
class Search:
    """What was typed, as the ledger knows it.

    Attributes:
        users: whose payments, by bot.
        stages: which products.
        invoices: which invoices, by bot.
        has_ranges: whether a beginning of an id is a range of its index, which PostgreSQL finds out by itself.
        is_person: whether the words are the id of somebody who has paid, so that no other id is meant that begins so. Where the
            order of texts is that of a language, PostgreSQL looks through all ids for those.
    """

    words: str
    users: Mapping[int, frozenset[int]]
    stages: frozenset[str]
    invoices: Mapping[int, Sequence[Meant]]
    has_ranges: bool
    is_person: bool

    def payments(self, bot_id: int) -> sa.ColumnElement[bool]:
        """Whether a payment of a bot is meant.

        An invoice that this ledger does not have is found among payments that are not accepted.
        """
        of_bot = sa.select(payments.c.charge_id).where(payments.c.bot_id == bot_id)
        whole = self.is_person
        charges = _ids(payments.c.charge_id, self.words, has_ranges=self.has_ranges, is_whole=whole)
        parts = [of_bot.where(is_it) for is_it in charges]
        is_its = sa.or_(*_ids(payments.c.invoice_id, self.words, has_ranges=False, is_whole=whole))
        parts.append(of_bot.where(IS_NOT_ACCEPTED, is_its))
        if users := self.users.get(bot_id):
            parts.append(of_bot.where(payments.c.user_id.in_(sorted(users))))
        for one in self.invoices.get(bot_id, ()):
            of_invoice = of_bot.where(payments.c.invoice_id == one.invoice_id)
            whose = payments.c.user_id == one.user_id if one.user_id is not None else None
            paid_at = microseconds_of(payments.c.paid_at)
            parts.append(of_invoice.where(paid_at >= one.created_us - _AHEAD_US if whose is None else whose))
        # Each part goes by an index, and the payments by their keys: in one condition with OR, SQLite reads all of them.
        found = sa.union_all(*parts).subquery()
        is_one = payments.c.charge_id.in_(sa.select(found.c.charge_id))
        return sa.or_(payments.c.stage_id.in_(sorted(self.stages)), is_one) if self.stages else is_one

    def declines(self, bot_id: int) -> sa.ColumnElement[bool]:
        """Whether a declined checkout of a bot is meant; of an invoice, within thirty days after it was made."""
        declined, told = events.alias("declined"), events.alias("told")
        parts: list[sa.Select[tuple[str]]] = []
        if users := sorted(self.users.get(bot_id, ())):
            of_user = sa.select(told.c.event_id).where(told.c.bot_id == bot_id, told.c.user_id.in_(users))
            parts.append(of_user.where(told.c.number.is_not(None)))
            parts.append(unnumbered_ids(bot_id))
        for one in self.invoices.get(bot_id, ()):
            at = microseconds_of(declined.c.at)
            parts.append(
                sa.select(declined.c.event_id).where(
                    declined.c.bot_id == bot_id,
                    declined.c.name == sa.literal_column("'checkout_declined'"),
                    at >= one.created_us - _AHEAD_US,
                    at < one.created_us + _ASKED_WITHIN_US,
                )
            )
        meant: list[sa.ColumnElement[bool]] = []
        if self.stages:
            meant.append(events.c.stage_id.in_(sorted(self.stages)))
        if parts:
            found = sa.union_all(*parts).subquery()
            ids = [one.invoice_id for one in self.invoices.get(bot_id, ())]
            is_about = sa.or_(events.c.user_id.in_(users), events.c.invoice_id.in_(ids))
            meant.append(sa.and_(events.c.event_id.in_(sa.select(found.c.event_id)), is_about))
        return sa.or_(sa.false(), *meant)

    @property
    def is_of_few(self) -> bool:
        """Whether what is meant is found by its keys; a product has as many payments as it likes."""
        return not self.stages


def read_search(transaction: Transaction, bots: Sequence[int], words: str) -> Search:
    """What the words mean in this ledger; an id is taken as it is, or as the two ends of it that a list shows."""
    users: dict[int, set[int]] = {}
    is_person = False
    if words.isascii() and words.isdecimal() and len(words) <= _MOST_DIGITS:
        is_person = _has_paid(transaction, bots, int(words))
        for bot_id in bots:
            users.setdefault(bot_id, set()).add(int(words))
    for bot_id, user_id in users_called(transaction, bots, words) if len(words) > 1 else ():
        users.setdefault(bot_id, set()).add(user_id)
    found = {} if words.startswith("@") else titles(transaction, bots)
    folded = words.casefold()
    meant = {
        stage_id for stage_id, title in found.items() if folded in title.casefold() or folded == stage_id.casefold()
    }
    has_ranges = transaction.connection.dialect.name == "sqlite"
    return Search(
        words,
        {bot_id: frozenset(one) for bot_id, one in users.items()},
        frozenset(meant),
        {bot_id: _invoices(transaction, bot_id, words, has_ranges=has_ranges, is_whole=is_person) for bot_id in bots},
        has_ranges,
        is_person,
    )


def _has_paid(transaction: Transaction, bots: Sequence[int], user_id: int) -> bool:
    theirs = sa.exists().where(payments.c.bot_id.in_(bots), payments.c.user_id == user_id)
    return bool(transaction.connection.execute(sa.select(theirs)).scalar_one())


def _invoices(transaction: Transaction, bot_id: int, words: str, *, has_ranges: bool, is_whole: bool) -> list[Meant]:
    columns = (invoices.c.invoice_id, invoices.c.user_id, microseconds_of(invoices.c.created_at))
    found: dict[str, Meant] = {}
    for is_it in _ids(invoices.c.invoice_id, words, has_ranges=has_ranges, is_whole=is_whole):
        query = sa.select(*columns).where(invoices.c.bot_id == bot_id, is_it).limit(_MOST_INVOICES)
        found |= {row[0]: Meant(*row) for row in transaction.connection.execute(query)}
    if len(words) >= _LEAST_OF_ID and "\0" not in words:
        # All titles of one's own are looked through, which an index has; SQLite takes it for a range only, and reads all
        # invoices otherwise. What is called just so comes first.
        named = sa.select(*columns).where(
            invoices.c.bot_id == bot_id,
            HAS_OWN_TITLE,
            invoices.c.title > "",
            invoices.c.title.icontains(words, autoescape=True),
        )
        best_first = (sa.case((invoices.c.title == words, 0), else_=1), invoices.c.created_at.desc())
        rows = transaction.connection.execute(named.order_by(*best_first).limit(_MOST_INVOICES))
        found |= {row[0]: Meant(*row) for row in rows}
    return list(found.values())[:_MOST_INVOICES]


def titles(transaction: Transaction, bots: Sequence[int]) -> dict[str, str]:
    """What is or was sold: the newest title of each stage, by its id."""
    newest = (
        sa.select(stages.c.bot_id, stages.c.stage_id, sa.func.max(stages.c.version).label("version"))
        .where(stages.c.bot_id.in_(bots))
        .group_by(stages.c.bot_id, stages.c.stage_id)
        .subquery()
    )
    same = sa.and_(*[stages.c[name] == newest.c[name] for name in ("bot_id", "stage_id", "version")])
    query = sa.select(stages.c.stage_id, stages.c.content).join(newest, same).order_by(stages.c.stage_id)
    found = {}
    for stage_id, content in transaction.connection.execute(query):
        found[stage_id] = str(load_object(content).get("title") or stage_id)
    return found


def _ids(
    column: sa.ColumnElement[str], words: str, *, has_ranges: bool, is_whole: bool
) -> list[sa.ColumnElement[bool]]:
    beginning, *rest = _CUT.split(words, maxsplit=1)
    end = rest[0] if rest else ""
    meant = [column == (charge_key(words) if column is payments.c.charge_id else words)]
    if is_whole:
        return meant
    if len(beginning) >= _LEAST_OF_ID and "\0" not in words and (not end or len(end) >= _LEAST_OF_ID):
        begins_so = begins(column, beginning, has_ranges=has_ranges)
        meant.append(sa.and_(begins_so, column.endswith(end, autoescape=True)) if end else begins_so)
    return meant
