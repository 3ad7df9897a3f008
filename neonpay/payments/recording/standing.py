"""What a charge is to its invoice: which payment of it, with a seat or without, and what therefore becomes of it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.events import Event
from neonpay.core.jsontext import JsonObject
from neonpay.core.payload import InvoiceRef, is_ours
from neonpay.core.payments import NO_SEAT, Attention, Charge, Payment, PaymentState, Source
from neonpay.core.price_check import mismatch
from neonpay.core.stages import PaymentStage, RepeatPolicy
from neonpay.ledger import Among, Transaction
from neonpay.ledger.tables import invoices
from neonpay.payments.checkout import seats
from neonpay.payments.refunds.store import SECOND_PAYMENT
from neonpay.store.job_rows import Job
from neonpay.store.stage_versions import Catalogue

_GONE = "it went back before it was recorded"
_ONE = sa.literal_column("1", sa.BigInteger)
_LOCKED = invoices.alias("locked")
_OF_INVOICE = (
    *(invoices.c.invoice_id, invoices.c.stage_id, invoices.c.stage_version, invoices.c.user_id, invoices.c.price_stars),
    *(invoices.c.metadata, invoices.c.title, invoices.c.payments_count, invoices.c.seats_taken),
)
_INVOICES = Among(
    lambda ids: sa.select(*_OF_INVOICE).where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id.in_(ids)),
    "b",
)
# An update locks rows in the order in which it finds them, and two units that share links would wait for each other. The rows
# of a selection are locked in its order.
_COUNT_ONE_EACH = Among(
    lambda ids: (
        sa.update(invoices)
        .where(
            invoices.c.bot_id == sa.bindparam("b"),
            invoices.c.invoice_id.in_(
                sa.select(_LOCKED.c.invoice_id)
                .where(_LOCKED.c.bot_id == sa.bindparam("b"), _LOCKED.c.invoice_id.in_(ids))
                .order_by(_LOCKED.c.invoice_id)
                .with_for_update()
            ),
        )
        .values(payments_count=invoices.c.payments_count + _ONE, seats_taken=invoices.c.seats_taken + _ONE)
        .returning(*_OF_INVOICE)
    ),
    "b",
)
_COUNT_MORE = Among(
    lambda ids: (
        sa.update(invoices)
        .where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id.in_(ids))
        .values(
            payments_count=invoices.c.payments_count + sa.bindparam("payments", type_=sa.BigInteger),
            seats_taken=invoices.c.seats_taken + sa.bindparam("seats", type_=sa.BigInteger),
        )
    ),
    *("payments", "seats", "b"),
)


@dataclass(slots=True, kw_only=True)
class Arrival:
    """A charge on its way into the ledger.

    Attributes:
        ref: what its verified payload says, or None when it does not verify.
        event_id: that of the event which tells of the payment, by which a unit that runs again knows its own.
        take: whether this process has room to run the handlers at once; otherwise their jobs are left for whoever is free.
        recorded: what the unit has come to when it ran last, kept or not.
    """

    charge: Charge
    ref: InvoiceRef | None
    event_id: str
    take: bool
    recorded: Recorded | None = None


class Recorded(NamedTuple):
    """What recording a charge has made."""

    payment: Payment
    event_id: str
    reason: str | None
    """Why it was not accepted."""
    jobs: list[Job]
    """Jobs that are leased to this process."""
    events: Sequence[Event] = ()
    """What followed in the same transaction: a handler's rejection."""


class Standing(NamedTuple):
    """What the ledger knows of the invoice of a charge, and what the charge is to it.

    Attributes:
        own_title: that of the invoice, where it is not its stage's.
        number: which payment of the invoice the charge is.
        seats_taken: by the payments before it.
        is_renewal: whether it prolongs a subscription, which takes no seat.
        has_seat: whether it may still be made, if the invoice may be paid so many times only.
        is_first: whether it begins a subscription.
        is_gone: whether it was refunded before it is recorded.
    """

    stage_id: str | None = None
    stage_version: int | None = None
    stage: PaymentStage | None = None
    user_id: int | None = None
    price_stars: int | None = None
    metadata: JsonObject = MappingProxyType({})
    own_title: str | None = None
    number: int = 0
    seats_taken: int = 0
    is_renewal: bool = False
    has_seat: bool = True
    is_first: bool = False
    is_gone: bool = False

    @property
    def limit(self) -> int | None:
        """How many payments the invoice takes."""
        return None if self.stage is None else self.stage.max_payments


UNKNOWN = Standing()
"""Of a charge whose invoice is not there, or that names none."""


def lock_invoices(
    transaction: Transaction, bot_id: int, catalogue: Catalogue, arrivals: Sequence[Arrival]
) -> dict[str, Standing]:
    """The invoices of charges, as the next payment of each finds them; nobody else changes them until the unit ends.

    Where a lock costs a statement, that statement counts each as paid once more with one seat more, which is what nearly
    every charge comes to. ``count_payments`` has to follow, whatever becomes of the charges.
    """
    ids = sorted({arrival.ref.invoice_id for arrival in arrivals if arrival.ref is not None})
    known: dict[str, Standing] = {}
    ahead = _counted_ahead(transaction)
    rows = transaction.rows_among(_COUNT_ONE_EACH if ahead else _INVOICES, (bot_id,), ids) if ids else []
    for invoice_id, stage_id, version, user_id, price_stars, metadata, title, count, seats_taken in rows:
        stage = catalogue.stage(transaction, stage_id, version)
        of_it = (stage_id, version, stage, user_id, price_stars, jsontext.load_object(metadata), title)
        known[invoice_id] = Standing(*of_it, count + 1 - ahead, seats_taken - ahead)
    return known


def _counted_ahead(transaction: Transaction) -> int:
    return 0 if transaction.is_only_writer else 1


def in_turn(
    transaction: Transaction,
    bot_id: int,
    new: Sequence[Arrival],
    known: Mapping[str, Standing],
    *,
    first: Container[str],
    gone: Container[str],
) -> list[Standing]:
    """What each charge is to its invoice when those before it are recorded; who has paid holds no seat any more.

    Args:
        first: charges that begin a subscription although they do not say so.
        gone: charges that were refunded before they are recorded; they take no seat.
    """
    before: dict[str, int] = {}
    standings: list[Standing] = []
    limited: list[tuple[int, str, int]] = []
    for arrival in new:
        charge, ref = arrival.charge, arrival.ref
        is_first = charge.is_first_recurring or charge.charge_id in first
        is_gone = charge.charge_id in gone
        of_it = UNKNOWN if ref is None else known.get(ref.invoice_id, UNKNOWN)
        if ref is not None and of_it.stage is not None:
            earlier = before.get(ref.invoice_id, 0)
            before[ref.invoice_id] = earlier + 1
            is_renewal = charge.is_recurring and not is_first
            if of_it.limit is not None and not (is_renewal or is_gone):
                limited.append((len(standings), ref.invoice_id, charge.user_id))
            if earlier or is_renewal:
                of_it = of_it._replace(number=of_it.number + earlier, is_renewal=is_renewal)
        standings.append(of_it._replace(is_first=is_first, is_gone=is_gone) if is_first or is_gone else of_it)
    if limited:
        left = {i: (standings[place].limit or 0) - standings[place].seats_taken for place, i, _ in limited}
        seated = seats.pay(transaction, bot_id, [(i, user_id) for _, i, user_id in limited], left)
        for (place, _, _), has_seat in zip(limited, seated, strict=True):
            standings[place] = standings[place]._replace(has_seat=has_seat)
    return standings


def count_payments(
    transaction: Transaction,
    bot_id: int,
    known: Iterable[str],
    new: Sequence[Arrival],
    standings: Sequence[Standing],
) -> None:
    """Write on the invoices how often they were paid, and how many seats that took.

    Args:
        known: all that ``lock_invoices`` has found.
        new: the charges that this unit records; the others were recorded before.
        standings: what those are to their invoices.
    """
    counts: dict[str, tuple[int, int]] = {}
    for arrival, of_it in zip(new, standings, strict=True):
        if arrival.ref is not None and of_it.stage is not None:
            paid, taken = counts.get(arrival.ref.invoice_id, (0, 0))
            takes_seat = of_it.has_seat and not (of_it.is_renewal or of_it.is_gone)
            counts[arrival.ref.invoice_id] = (paid + 1, taken + takes_seat)
    ahead = _counted_ahead(transaction)
    alike: dict[tuple[int, int], list[str]] = {}
    for invoice_id in known:
        paid, taken = counts.get(invoice_id, (0, 0))
        if (paid, taken) != (ahead, ahead):
            alike.setdefault((paid - ahead, taken - ahead), []).append(invoice_id)
    for figures, ids in alike.items():
        transaction.execute_among(_COUNT_MORE, (*figures, bot_id), ids)


def verdict(
    charge: Charge, ref: InvoiceRef | None, known: Standing, fence_us: int = 0
) -> tuple[PaymentState, Attention | None, str | None]:
    """The state in which a charge is recorded, what a person has to look at, and why it is not accepted.

    Args:
        fence_us: what was charged before may have been delivered by the ledger that this one was restored in place of.
    """
    if known.is_gone:
        return PaymentState.REFUNDED, None, _GONE
    if charge.paid_at_us < fence_us and (ref is not None or is_ours(charge.payload)):
        return PaymentState.NEEDS_ATTENTION, Attention.RESTORED, Attention.RESTORED.value
    attention = _fault(charge, ref, known)
    if attention is not None:
        return PaymentState.NEEDS_ATTENTION, attention, attention.value
    assert known.stage is not None, "a charge without a known stage has a fault"
    # A renewal pays the same invoice again by design; only other repetitions are a question of policy.
    if known.number > 1 and not known.is_renewal and known.stage.repeat is RepeatPolicy.REFUND:
        return PaymentState.REFUND_DUE, None, SECOND_PAYMENT
    if not known.has_seat:
        return PaymentState.REFUND_DUE, None, NO_SEAT
    return PaymentState.ACCEPTED, None, None


def _fault(charge: Charge, ref: InvoiceRef | None, known: Standing) -> Attention | None:
    if ref is None and not is_ours(charge.payload):
        return Attention.FOREIGN_PAYLOAD
    if ref is None or known.stage is None:
        # Nobody but the bot itself can have made the invoice of a payment that Telegram lists.
        if charge.source is Source.RECONCILE:
            return Attention.OTHER_LEDGER
        return Attention.FORGED_PAYLOAD if ref is None else Attention.UNKNOWN_INVOICE
    wrong = mismatch(
        currency=charge.currency,
        amount=charge.amount,
        user_id=charge.user_id,
        price_stars=known.price_stars,
        payer_id=known.user_id,
    )
    return None if wrong is None else Attention(wrong)
