"""The rules that the last program of a shop has declared, so that a command can show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

import sqlalchemy as sa

from neonpay.core.jsontext import JsonObject, JsonValue, dump, load_object
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables_notifications import notification_rules
from neonpay.notifications.masking import shown_address
from neonpay.notifications.rules import Rule

_INSERT = Insert(notification_rules, "bot_id", "declared_at", "rules")
_row = notification_rules.c
_SEEN: Final = "seen_us"
STAND_BY_S: Final = 60.0
"""So often a program says that it is at work."""
SEEN_FOR_US: Final = int(2.5 * STAND_BY_S * 1_000_000)
"""A program that has said nothing for so long is gone."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a program has declared when it opened, addresses without what is secret of them."""

    at: datetime
    rules: Sequence[JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a program tells, as far as it shows which of two programs has told.

    Attributes:
        telegram: which bot writes in Telegram: a bot id, or what stands for the shop's own.
        language: of what owners read.
        quiet: the quiet hours.
        rules: what is told to whom; empty for a program that only sends.
    """

    telegram: str
    language: str
    quiet: str
    rules: Sequence[JsonObject]

    def unlike(self, other: JsonObject) -> list[str]:
        """In what a program that tells in other ways differs; a rule that one of them has not is the other one's."""
        mine = self.as_json()
        names = [name for name in ("telegram", "language", "quiet") if other.get(name, mine[name]) != mine[name]]
        theirs = _by_name(cast("Sequence[JsonObject]", other.get("rules", ())))
        shared = {name: rules for name, rules in _by_name(self.rules).items() if name in theirs}
        return [*names, "rules"] if any(theirs[name] != rules for name, rules in shared.items()) else names

    def as_json(self) -> JsonObject:
        """As it is kept."""
        rules: list[JsonValue] = [dict(rule) for rule in self.rules]
        return {"telegram": self.telegram, "language": self.language, "quiet": self.quiet, "rules": rules}


def _by_name(rules: Sequence[JsonObject]) -> dict[JsonValue, list[JsonObject]]:
    found: dict[JsonValue, list[JsonObject]] = {}
    for rule in rules:
        found.setdefault(rule["name"], []).append(dict(rule))
    return found


def rules_as_json(rules: Sequence[tuple[Rule, Sequence[str]]]) -> list[JsonObject]:
    """Rules, each with its recipients, as they are kept."""
    return [
        {
            "name": rule.name,
            "events": sorted(rule.events),
            "channel": rule.channel.value,
            "recipients": [shown_address(recipient) for recipient in recipients],
            "template": rule.template,
            "priority": rule.priority.value,
            "has_condition": rule.when is not None,
            "gather_s": rule.gather_s,
        }
        for rule, recipients in rules
    ]


def declare(transaction: Transaction, bot_id: int, ways: Ways, now_us: int) -> list[str]:
    """Keep the ways of a program that opens in place of those that were declared before.

    Returns:
        In what a program that is at work differs from it.
    """
    kept = _kept(transaction, bot_id)
    text = dump({**ways.as_json(), _SEEN: now_us})
    if not transaction.insert(_INSERT, (bot_id, now_us, text)):
        mine = sa.update(notification_rules).where(_row.bot_id == bot_id)
        transaction.connection.execute(mine.values(declared_at=now_us, rules=text))
    return ways.unlike(kept) if now_us - _seen_us(kept) < SEEN_FOR_US else []


def stand_by(transaction: Transaction, bot_id: int, ways: Ways, now_us: int) -> list[str]:
    """Say that a program is at work still; in what one that opened after it differs from it."""
    kept = _kept(transaction, bot_id)
    unlike = ways.unlike(kept)
    if not unlike:
        _write(transaction, bot_id, kept, now_us)
    return unlike


def leave(transaction: Transaction, bot_id: int, ways: Ways) -> None:
    """A program stops, and no later one need be like it."""
    kept = _kept(transaction, bot_id)
    if not ways.unlike(kept):
        _write(transaction, bot_id, kept, 0)


def _kept(transaction: Transaction, bot_id: int) -> JsonObject:
    text = transaction.connection.execute(sa.select(_row.rules).where(_row.bot_id == bot_id)).scalar()
    return {} if text is None else load_object(text)


def _seen_us(kept: JsonObject) -> int:
    seen = kept.get(_SEEN, 0)
    return seen if isinstance(seen, int) else 0


def _write(transaction: Transaction, bot_id: int, kept: JsonObject, seen_us: int) -> None:
    # And not in place of what another program declares at this very moment.
    mine = sa.update(notification_rules).where(_row.bot_id == bot_id, _row.rules == dump(kept))
    transaction.connection.execute(mine.values(rules=dump({**kept, _SEEN: seen_us})))


def read_declared(transaction: Transaction, bot_id: int) -> Declared | None:
    """What was declared last; None when no program has."""
    query = sa.select(notification_rules).where(_row.bot_id == bot_id)
    found = transaction.connection.execute(query).first()
    if found is None:
        return None
    return Declared(found.declared_at, cast("Sequence[JsonObject]", load_object(found.rules)["rules"]))
