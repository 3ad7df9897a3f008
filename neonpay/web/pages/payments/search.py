"""What somebody means who types into the search: a charge, a person, an order, or a product."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from neonpay.core.charge_ids import charge_key
from neonpay.core.jsontext import load_object
from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, payments, stages
from neonpay.web.names import users_called

MOST_CHARS: Final = 200
_MOST_DIGITS: Final = 18
_CUT: Final = re.compile(r"…|\.\.\.")
_LEAST_OF_ID: Final = 4
"""A beginning of an id has at least so many characters; fewer would find what nobody meant."""


@dataclass(frozen=True, slots=True)
class Search:
    """What was typed, as the ledger knows it.

    Attributes:
        users: whose payments, by bot.
        stages: which products.
    """

    words: str
    users: Mapping[int, frozenset[int]]
    stages: frozenset[str]

    def payments(self, bot_id: int) -> sa.ColumnElement[bool]:
        """Whether a payment of a bot is meant."""
        meant = self._common(payments, bot_id)
        for column in (payments.c.charge_id, payments.c.invoice_id):
            meant += _ids(column, self.words)
        return sa.or_(sa.false(), *meant)

    def declines(self, bot_id: int) -> sa.ColumnElement[bool]:
        """Whether a declined checkout of a bot is meant."""
        return sa.or_(sa.false(), *self._common(events, bot_id), *_ids(events.c.invoice_id, self.words))

    def _common(self, table: sa.Table, bot_id: int) -> list[sa.ColumnElement[bool]]:
        meant: list[sa.ColumnElement[bool]] = []
        if users := self.users.get(bot_id):
            meant.append(table.c.user_id.in_(sorted(users)))
        if self.stages:
            meant.append(table.c.stage_id.in_(sorted(self.stages)))
        return meant


def read_search(transaction: Transaction, bots: Sequence[int], words: str) -> Search:
    """What the words mean in this ledger; an id is taken as it is, or as the two ends of it that a list shows."""
    users: dict[int, set[int]] = {}
    if words.isascii() and words.isdecimal() and len(words) <= _MOST_DIGITS:
        for bot_id in bots:
            users.setdefault(bot_id, set()).add(int(words))
    for bot_id, user_id in users_called(transaction, bots, words) if len(words) > 1 else ():
        users.setdefault(bot_id, set()).add(user_id)
    found = {} if words.startswith("@") else titles(transaction, bots)
    folded = words.casefold()
    meant = {
        stage_id for stage_id, title in found.items() if folded in title.casefold() or folded == stage_id.casefold()
    }
    return Search(words, {bot_id: frozenset(one) for bot_id, one in users.items()}, frozenset(meant))


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


def _ids(column: sa.ColumnElement[str], words: str) -> list[sa.ColumnElement[bool]]:
    beginning, *rest = _CUT.split(words, maxsplit=1)
    end = rest[0] if rest else ""
    meant = [column == (charge_key(words) if column is payments.c.charge_id else words)]
    if len(beginning) >= _LEAST_OF_ID and "\0" not in words and (not end or len(end) >= _LEAST_OF_ID):
        meant.append(_between(column, beginning, end))
    return meant


def _between(column: sa.ColumnElement[str], beginning: str, end: str) -> sa.ColumnElement[bool]:
    begins = column.startswith(beginning, autoescape=True)
    return sa.and_(begins, column.endswith(end, autoescape=True)) if end else begins
