"""Which kinds of events a subscriber is told of where two programs of a shop differ about that.

Each is told of those that it names: jobs are made of what any of them has named lately, and who gets the job of a kind that it
does not name itself leaves it to the other one. So a release that changes the kinds may start beside the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from neonpay.core import jsontext
from neonpay.core.clock import microseconds
from neonpay.ledger import Transaction
from neonpay.payments.consumers.registry import Consumer, ConsumerKind, Declaration, database_now_us, read_consumers

LATELY_US: Final = 15 * 60 * 1_000_000
"""How long after it was named a kind counts; three times as long as from one word of a program to its next."""


def kinds_text(one: Declaration, known: Consumer | None, now_us: int) -> str | None:
    """The kinds as the ledger keeps them: their names, or when each was named where not all programs name the same."""
    others = {} if known is None or known.retired_at is not None else _of_others(one, known, now_us)
    if not others:
        return one.events_text
    return jsontext.dump({**others, **dict.fromkeys(sorted(one.event_names), now_us)})


def is_named_elsewhere(transaction: Transaction, bot_id: int, consumer: str, kind: str) -> bool:
    """Whether another program has named a kind lately, so that its events are for that one."""
    now_us = database_now_us(transaction)
    known = next((row for row in read_consumers(transaction, bot_id) if row.consumer == consumer), None)
    return known is not None and kind in known.event_names and now_us - _named_at_us(known, kind) < LATELY_US


def _of_others(one: Declaration, known: Consumer, now_us: int) -> Mapping[str, int]:
    if one.kind is not ConsumerKind.SUBSCRIBES:
        return {}
    named = {kind: _named_at_us(known, kind) for kind in sorted(known.event_names - one.event_names)}
    return {kind: at_us for kind, at_us in named.items() if now_us - at_us < LATELY_US}


def _named_at_us(known: Consumer, kind: str) -> int:
    return known.named_at_us.get(kind, microseconds(known.seen_at))
