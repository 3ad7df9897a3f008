"""The proof of the payments: each has the entries of its amount and state, the jobs that it is owed, and its refund."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from neonpay.books.entries import LATER, OF_PAYMENTS, prove_events
from neonpay.books.findings import FindingKind, Findings, Note, stream
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import PaymentState, RefundState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import IS_NOT_ACCEPTED, events, jobs, journal, payments, refunds
from neonpay.store.entries import REFUNDS, REVENUE, STARS, UNSETTLED

_SUMS: Final = ("received", STARS, REVENUE, UNSETTLED, REFUNDS)
_NO_PAYMENT: Final = "there is no such payment"
_IS_ENTRY: Final = sa.and_(journal.c.bot_id == events.c.bot_id, journal.c.event_id == events.c.event_id)


def prove_payments(transaction: Transaction, bot_id: int, entries: int, found: Findings) -> int:
    """Every payment was compared with all of its entries, and all entries with payments; how many payments those were.

    Most payments are what their own event says. That is looked up in the order in which they were written; those of which
    more is to be said are added up by charge, which needs them sorted. Both together have to account for every entry, each by
    its event: else the events of all entries are looked up, and where there are more entries of charges, all are added up.

    Args:
        entries: how many there are.
    """
    mine = sa.select(sa.func.count()).select_from(payments).where(payments.c.bot_id == bot_id)
    count = transaction.connection.execute(mine).scalar_one()
    of_some = Findings()
    accounted = count
    for row in stream(transaction, _added_up(bot_id, _peculiar(bot_id))):
        _prove_charge(row, of_some.note)
        accounted += (row.events or 0) - (row.state is not None)
    of_charges = entries
    if accounted != entries:
        of_charges, of_none = prove_events(transaction, bot_id, found.note)
        if of_none:
            found.note(FindingKind.ENTRY_WITHOUT_PAYMENT, None, _NO_PAYMENT)
    if accounted == of_charges:
        found.add(of_some)
    else:
        for row in stream(transaction, _added_up(bot_id, _all(bot_id))):
            _prove_charge(row, found.note)
    return count


def _moves(bot_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return events.c.bot_id == bot_id, events.c.name.in_(OF_PAYMENTS)


def _peculiar(bot_id: int) -> sa.CompoundSelect[Any]:
    """The charges of payments that are not just what their own event says."""
    is_own = sa.and_(events.c.bot_id == payments.c.bot_id, events.c.event_id == payments.c.event_id)
    earned = sa.case((payments.c.state == PaymentState.ACCEPTED.value, REVENUE), else_=UNSETTLED)
    # Two rows of an entry that are as they should be, and no other one on these accounts.
    as_expected = sa.case(
        (sa.and_(journal.c.account == STARS, journal.c.amount_stars == payments.c.amount_stars), 1),
        (sa.and_(journal.c.account == earned, journal.c.amount_stars == -payments.c.amount_stars), 1),
        (sa.and_(journal.c.account.in_(_SUMS[1:]), journal.c.amount_stars != 0), 3),
        else_=0,
    )
    entry = sa.select(sa.func.sum(as_expected)).where(_IS_ENTRY).scalar_subquery()
    is_plain = sa.and_(
        payments.c.currency == CURRENCY,
        payments.c.state != PaymentState.REFUNDED.value,
        payments.c.amount_stars > 0,
        events.c.name.in_(OF_PAYMENTS),
        events.c.charge_id == payments.c.charge_id,
        entry == 2,  # noqa: PLR2004
    )
    own = sa.select(payments.c.charge_id).outerjoin_from(payments, events, is_own)
    later = sa.select(events.c.charge_id).where(
        events.c.bot_id == bot_id, events.c.name.in_(LATER), events.c.charge_id.is_not(None)
    )
    return sa.union(own.where(payments.c.bot_id == bot_id, is_plain.is_not(sa.true())), later)


def _all(bot_id: int) -> sa.CompoundSelect[Any]:
    """Every charge that there is."""
    moved = sa.select(events.c.charge_id).where(*_moves(bot_id), events.c.charge_id.is_not(None))
    return sa.union(sa.select(payments.c.charge_id).where(payments.c.bot_id == bot_id), moved)


def _added_up(bot_id: int, charges: sa.CompoundSelect[Any]) -> sa.Select[Any]:
    """For each charge its payment, how many events moved its Stars, and what all of their entries add up to."""
    looked_at = charges.cte("looked_at")
    received = sa.case(
        (sa.and_(journal.c.account == STARS, journal.c.amount_stars > 0), journal.c.amount_stars), else_=0
    )
    entered = (
        sa.select(
            events.c.charge_id,
            sa.func.count(journal.c.event_id.distinct()).label("events"),
            sa.cast(sa.func.sum(received), sa.BigInteger).label("received"),
            *[_of_account(name) for name in _SUMS[1:]],
        )
        # The other way round SQLite would read every entry for the few that are asked for.
        .outerjoin_from(events, journal, _IS_ENTRY)
        .where(*_moves(bot_id), events.c.charge_id.in_(sa.select(looked_at.c.charge_id)))
        .group_by(events.c.charge_id)
        .subquery("entered")
    )
    is_paid = sa.and_(payments.c.bot_id == bot_id, payments.c.charge_id == looked_at.c.charge_id)
    return (
        sa.select(
            looked_at.c.charge_id,
            payments.c.state,
            payments.c.amount_stars,
            payments.c.currency,
            entered.c.events,
            *[entered.c[name] for name in _SUMS],
        )
        .outerjoin_from(looked_at, payments, is_paid)
        .outerjoin(entered, entered.c.charge_id == looked_at.c.charge_id)
    )


def _of_account(account: str) -> sa.Label[int]:
    stars = sa.func.sum(sa.case((journal.c.account == account, journal.c.amount_stars), else_=0))
    return sa.cast(stars, sa.BigInteger).label(account)


def _prove_charge(row: sa.Row[Any], note: Note) -> None:
    charge_id, state, amount_stars, currency, entries, *sums = tuple(row)
    if state is None:
        if entries:
            note(FindingKind.ENTRY_WITHOUT_PAYMENT, charge_id, _NO_PAYMENT)
    elif currency != CURRENCY:
        if entries:
            note(FindingKind.PAYMENT_DIFFERS, charge_id, f"it was paid in {currency} and has entries in Stars")
    elif not entries:
        note(FindingKind.PAYMENT_DIFFERS, charge_id, f"{amount_stars} Stars, {state}; it has no entry")
    elif tuple(sums) not in _expected(PaymentState(state), amount_stars):
        found = ", ".join(f"{name} {stars:+d}" for name, stars in zip(_SUMS, sums, strict=True) if stars)
        words = f"{amount_stars} Stars, {state}; its entries say {found or 'nothing'}"
        note(FindingKind.PAYMENT_DIFFERS, charge_id, words)


def _expected(state: PaymentState, stars: int) -> list[tuple[int, int, int, int, int]]:
    """What the entries of a payment may add up to, in the order of ``_SUMS``."""
    if state is PaymentState.ACCEPTED:
        return [(stars, stars, -stars, 0, 0)]
    if state is PaymentState.REFUNDED:
        return [(stars, 0, -stars, 0, stars), (stars, 0, 0, 0, 0)]
    return [(stars, stars, 0, -stars, 0)]


def prove_jobs(transaction: Transaction, bot_id: int, note: Note) -> None:
    """Every payment has the jobs that it is owed."""
    has_job = sa.exists().where(jobs.c.bot_id == payments.c.bot_id, jobs.c.event_id == payments.c.event_id)
    owed = payments.c.state.in_((PaymentState.ACCEPTED.value, PaymentState.REFUND_DUE.value))
    query = sa.select(payments.c.charge_id, payments.c.state).where(payments.c.bot_id == bot_id, owed, sa.not_(has_job))
    for row in stream(transaction, query):
        note(FindingKind.PAYMENT_WITHOUT_JOB, row.charge_id, f"it is {row.state}, and no job was made for it")


def prove_refunds(transaction: Transaction, bot_id: int, note: Note) -> int:
    """Every refund was compared with its payment; how many those were."""
    is_paid = sa.and_(payments.c.bot_id == refunds.c.bot_id, payments.c.charge_id == refunds.c.charge_id)
    of_payment = (payments.c.state.label("paid"), payments.c.amount_stars.label("paid_stars"))
    query = sa.select(refunds.c.charge_id, refunds.c.state, refunds.c.amount_stars, *of_payment)
    count = 0
    for row in stream(transaction, query.outerjoin_from(refunds, payments, is_paid).where(refunds.c.bot_id == bot_id)):
        count += 1
        if row.paid is None:
            note(FindingKind.REFUND_DIFFERS, row.charge_id, "there is no such payment")
        elif row.amount_stars != row.paid_stars:
            words = f"{row.amount_stars} Stars go back and {row.paid_stars} were paid"
            note(FindingKind.REFUND_DIFFERS, row.charge_id, words)
        elif (row.state == RefundState.REFUNDED) != (row.paid == PaymentState.REFUNDED):
            note(FindingKind.REFUND_DIFFERS, row.charge_id, f"the refund is {row.state} and the payment {row.paid}")
    lost = sa.select(payments.c.charge_id).outerjoin_from(payments, refunds, is_paid)
    unasked = (
        payments.c.bot_id == bot_id,
        IS_NOT_ACCEPTED,  # says nothing more, and has an index
        payments.c.state == PaymentState.REFUNDED.value,
        refunds.c.state.is_(None),
    )
    for row in stream(transaction, lost.where(*unasked)):
        note(FindingKind.REFUND_DIFFERS, row.charge_id, "the payment is refunded and has no refund")
    return count
