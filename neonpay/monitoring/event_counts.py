"""Counters out of the ledger: events are counted once each, by their numbers, and what was counted is not read again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from neonpay.core.checkout import Decline
from neonpay.core.limits import CURRENCY
from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, payments
from neonpay.store.sequence import last_number

AT_A_TIME: Final = 20_000
"""Events in one reading, which takes well under a second."""
_REASONS_MAX: Final = 50
_OTHER: Final = "other"
_REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DECLINED: Final = "checkout_declined"
_PLAIN: Final = {
    "invoice_created": "neonpay_invoices_total",
    "refund_failed": "neonpay_refund_failures_total",
    "payment_delivered": "neonpay_deliveries_total",
    "fulfilment_failed": "neonpay_delivery_failures_total",
    "fulfilment_abandoned": "neonpay_dead_letters_total",
}
Key = tuple[str, tuple[str, ...]]
"""The name of a counter and its labels after the bot."""
_KINDS: Final = ("one_off", "subscription", "renewal")
_ALWAYS: Final[tuple[Key, ...]] = (
    *((name, ()) for name in (*_PLAIN.values(), "neonpay_refunds_total", "neonpay_refunded_stars_total")),
    *((name, (kind,)) for name in ("neonpay_payments_total", "neonpay_payment_stars_total") for kind in _KINDS),
    ("neonpay_checkouts_total", ("approved", "")),
    *(("neonpay_checkouts_total", ("declined", reason.value)) for reason in Decline),
)
"""Counters that begin at 0: in one that begins at 1 Prometheus sees no increase, and the first of a kind would wake nobody."""


class EventCounts:
    """What the events of one bot add up to.

    Attributes:
        behind: how many of them were not counted yet.
    """

    def __init__(self, bot_id: int) -> None:
        self._bot_id = bot_id
        self._number = 0
        self.behind = 0
        self._found: Counter[Key] = Counter()
        self._reasons: set[str] = set()

    def read(self, transaction: Transaction) -> tuple[int, int, Counter[Key]]:
        """The unit of work that counts the next events: up to which number, how many there are after it, and the sums."""
        last = last_number(transaction, self._bot_id)
        until = min(last, self._number + AT_A_TIME)
        found: Counter[Key] = Counter()
        if until > self._number:
            rows = transaction.connection.execute(_query(self._bot_id, self._number, until))
            for name, reason, is_recurring, is_first, count, stars, paid in rows:
                found.update(dict(_counted(name, reason, is_recurring, is_first, count, stars, paid)))
        return until, last - until, found

    def add(self, until: int, behind: int, found: Counter[Key]) -> None:
        """Take what was read; a unit may run more than once, and this only when it was done."""
        if until <= self._number:
            self.behind = behind
            return
        for (name, labels), number in found.items():
            self._found[name, self._bounded(name, labels)] += number
        self._number, self.behind = until, behind

    def items(self) -> Iterator[tuple[Key, int]]:
        """Every counter; those whose labels are known are there from the beginning."""
        yield from sorted({**dict.fromkeys(_ALWAYS, 0), **self._found}.items())

    def _bounded(self, name: str, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Labels that cannot grow without end: a reason that looks like no word, or is one too many, is ``other``."""
        if name != "neonpay_checkouts_total" or not labels[1]:
            return labels
        reason = labels[1]
        if reason not in self._reasons and (not _REASON.fullmatch(reason) or len(self._reasons) >= _REASONS_MAX):
            return labels[0], _OTHER
        self._reasons.add(reason)
        return labels


def _query(bot_id: int, after: int, until: int) -> sa.Select[Any]:
    # The event with which a payment was recorded, and no other one of it.
    is_its = sa.and_(
        payments.c.bot_id == events.c.bot_id,
        payments.c.charge_id == events.c.charge_id,
        payments.c.event_id == events.c.event_id,
        payments.c.currency == CURRENCY,
    )
    reason = sa.case((events.c.name == _DECLINED, events.c.reason))
    key = (events.c.name, reason, payments.c.is_recurring, payments.c.is_first_recurring)
    return (
        sa.select(
            *key,
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(events.c.amount_stars), 0),
            sa.func.coalesce(sa.func.sum(payments.c.amount_stars), 0),
        )
        .select_from(sa.outerjoin(events, payments, is_its))
        .where(events.c.bot_id == bot_id, events.c.number > after, events.c.number <= until)
        .group_by(*key)
    )


def _counted(
    name: str, reason: str | None, is_recurring: int | None, is_first: int | None, count: int, stars: int, paid: int
) -> Iterator[tuple[Key, int]]:
    if is_recurring is not None:
        kind = ("subscription" if is_first else "renewal") if is_recurring else "one_off"
        yield ("neonpay_payments_total", (kind,)), count
        yield ("neonpay_payment_stars_total", (kind,)), int(paid)
    if name in _PLAIN:
        yield (_PLAIN[name], ()), count
    elif name == "payment_refunded":
        yield ("neonpay_refunds_total", ()), count
        yield ("neonpay_refunded_stars_total", ()), int(stars)
    elif name == "checkout_approved":
        yield ("neonpay_checkouts_total", ("approved", "")), count
    elif name == _DECLINED:
        yield ("neonpay_checkouts_total", ("declined", reason or _OTHER)), count
