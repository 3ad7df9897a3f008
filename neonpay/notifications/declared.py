"""The rules that the last program of a shop has declared, so that a command can show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from neonpay.core.jsontext import JsonObject, JsonValue, dump, load_object
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables_notifications import notification_rules
from neonpay.notifications.masking import shown_address
from neonpay.notifications.rules import Rule

_INSERT = Insert(notification_rules, "bot_id", "declared_at", "rules")
_row = notification_rules.c


@dataclass(frozen=True, slots=True)
class Declared:
    """What a program has declared when it opened, addresses without what is secret of them."""

    at: datetime
    rules: Sequence[JsonObject]


def declare(transaction: Transaction, bot_id: int, rules: Sequence[tuple[Rule, Sequence[str]]], now_us: int) -> None:
    """Keep these rules, each with its recipients, in place of what was declared before."""
    told: list[JsonValue] = [
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
    text = dump({"rules": told})
    if not transaction.insert(_INSERT, (bot_id, now_us, text)):
        mine = sa.update(notification_rules).where(_row.bot_id == bot_id)
        transaction.connection.execute(mine.values(declared_at=now_us, rules=text))


def read_declared(transaction: Transaction, bot_id: int) -> Declared | None:
    """What was declared last; None when no program has."""
    query = sa.select(notification_rules).where(_row.bot_id == bot_id)
    found = transaction.connection.execute(query).first()
    if found is None:
        return None
    return Declared(found.declared_at, cast("Sequence[JsonObject]", load_object(found.rules)["rules"]))
