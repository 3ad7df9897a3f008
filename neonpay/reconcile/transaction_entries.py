"""Rows of Telegram's list in the books: what is not a payment of ours gets a journal entry, once per row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.core.events import (
    BalanceDrifted,
    Event,
    Movement,
    PaymentUnexplained,
    StarsMoved,
    WithdrawalFailed,
    WithdrawalSucceeded,
)
from neonpay.core.limits import CURRENCY
from neonpay.core.payload import is_ours
from neonpay.core.payments import PaymentState
from neonpay.core.transactions import NANOSTARS, Account, StarTransaction, Withdrawal, split_stars
from neonpay.ledger import Among, Insert, Transaction
from neonpay.ledger.tables import events, journal, payments, unexplained
from neonpay.store.entries import STARS, publish
from neonpay.store.ids import following_id
from neonpay.store.sequence import last_number

_SOLD = Among(
    lambda ids: sa.select(
        payments.c.charge_id, payments.c.amount_stars, payments.c.currency, payments.c.state, payments.c.is_listed
    ).where(payments.c.bot_id == sa.bindparam("b"), payments.c.charge_id.in_(ids)),
    "b",
)
_LISTED = Among(
    lambda ids: (
        sa.update(payments)
        .where(payments.c.bot_id == sa.bindparam("b"), payments.c.charge_id.in_(ids))
        .values(is_listed=1)
        .returning(payments.c.is_listed)
    ),
    "b",
)
_EXPLAINED = Among(
    lambda ids: (
        sa.delete(unexplained)
        .where(unexplained.c.bot_id == sa.bindparam("b"), unexplained.c.charge_id.in_(ids))
        .returning(unexplained.c.charge_id)
    ),
    "b",
)
_THERE = Among(
    lambda ids: sa.select(events.c.event_id).where(events.c.bot_id == sa.bindparam("b"), events.c.event_id.in_(ids)),
    "b",
)
_INSERT_ENTRY = Insert(journal, "bot_id", "event_id", "account", "amount_stars", "at", "nanostars")
_INSERT_UNEXPLAINED = Insert(unexplained, "bot_id", "charge_id", "found_at")
_EXAMINED_AT_ONCE = 500


class Sale(NamedTuple):
    """What the ledger has of a charge.

    Attributes:
        amount_stars: what its journal entry says; 0 when it was paid in another currency.
    """

    amount_stars: int
    is_refunded: bool
    is_listed: bool


class Entry(NamedTuple):
    """A journal entry that a row of the list asks for.

    Attributes:
        event_id: follows from the row, so that the same row never makes a second entry.
        effect: what it moves, in nanostars; 0 for a fact that moves nothing.
        after: event id of the entry that this one takes back; without that one there is nothing to take back.
    """

    event_id: str
    kind: type[Movement]
    account: Account
    effect: int
    row: StarTransaction
    after: str | None = None


def sales(transaction: Transaction, bot_id: int, charge_ids: Sequence[str]) -> dict[str, Sale]:
    """What the ledger has of these charges."""
    return {
        charge_id: Sale(
            amount if currency == CURRENCY else 0, state == PaymentState.REFUNDED.value, is_listed is not None
        )
        for charge_id, amount, currency, state, is_listed in transaction.rows_among(_SOLD, (bot_id,), charge_ids)
    }


def list_payments(transaction: Transaction, bot_id: int, charge_ids: Sequence[str]) -> None:
    """Remember that Telegram's list has these charges."""
    transaction.rows_among(_LISTED, (bot_id,), charge_ids)
    transaction.rows_among(_EXPLAINED, (bot_id,), charge_ids)


def entries(bot_id: int, rows: Sequence[StarTransaction], sold: Mapping[str, Sale]) -> Iterator[Entry]:
    """The journal entries that rows ask for beside those that payments and refunds have made."""
    for row in rows:
        if row.withdrawal is Withdrawal.FAILED:
            failed, moved = _event_id(bot_id, row, "failed"), _event_id(bot_id, row, "moved")
            yield Entry(failed, WithdrawalFailed, row.account, row.nanostars, row, after=moved)
            continue
        if row.withdrawal is Withdrawal.SUCCEEDED:
            # Its Stars have an entry of their own, from when it was pending or from below.
            yield Entry(_event_id(bot_id, row, "succeeded"), WithdrawalSucceeded, row.account, 0, row)
        account, effect = row.account, row.effect
        if account is Account.SALES:
            sale = sold.get(row.transaction_id)
            if sale is not None:
                booked = sale.amount_stars * NANOSTARS
                effect -= booked if row.incoming else -booked
                account = Account.COMMISSIONS if row.affiliate_nanostars else Account.OTHER
            else:
                account = Account.OTHER if is_ours(row.payload) else Account.FOREIGN
        if effect:
            yield Entry(_event_id(bot_id, row, "moved"), StarsMoved, account, effect, row)


def write_entries(transaction: Transaction, bot_id: int, wanted: Sequence[Entry], now_us: int) -> list[Movement]:
    """Write those entries that are not there yet; the events that tell of them."""
    if not wanted:
        return []
    ids = [found for entry in wanted for found in (entry.event_id, entry.after) if found is not None]
    there = {str(row[0]) for row in transaction.rows_among(_THERE, (bot_id,), ids)}
    new = {
        entry.event_id: entry
        for entry in wanted
        if entry.event_id not in there and (entry.after is None or entry.after in there)
    }
    facts: list[Movement] = []
    rows: list[tuple[object, ...]] = []
    for entry in new.values():
        row = entry.row
        stars, rest = split_stars(entry.effect)
        if entry.effect:
            rows.append((bot_id, entry.event_id, STARS, stars, now_us, rest))
            rows.append((bot_id, entry.event_id, entry.account.value, -stars, now_us, -rest))
        else:
            stars, _ = split_stars(row.nanostars)
        facts.append(
            entry.kind(
                bot_id=bot_id,
                event_id=entry.event_id,
                at=moment(now_us),
                user_id=row.user_id,
                charge_id=row.transaction_id,
                amount_stars=stars,
                account=entry.account.value,
                nanostars=entry.effect or row.nanostars,
            )
        )
    publish(transaction, *facts)
    transaction.insert(_INSERT_ENTRY, *rows)
    return facts


def write_drift(
    transaction: Transaction, bot_id: int, event_id: str, now_us: int, balance: int, listed: int, reason: str
) -> Event:
    """Write that the balance and the list have come apart, or together again."""
    stars, _ = split_stars(balance - listed)
    event = BalanceDrifted(
        bot_id=bot_id,
        event_id=event_id,
        at=moment(now_us),
        amount_stars=stars,
        reason=reason,
        balance_nanostars=balance,
        listed_nanostars=listed,
    )
    publish(transaction, event)
    return event


class Examined(NamedTuple):
    """Payments that were looked for in what Telegram's list has named, and how far the look has come.

    Attributes:
        number: that of the last event whose payment was looked at.
        more: whether there may be more that are old enough.
        found: what was found, written already.
    """

    number: int
    more: bool
    found: list[Event]


def examine_payments(
    transaction: Transaction, bot_id: int, after: int, before_us: int, now_us: int, *, most: int = _EXAMINED_AT_ONCE
) -> Examined:
    """Find payments that have not been seen in Telegram's list although they were recorded before ``before_us``.

    Args:
        after: number of the event up to which payments were examined before.
    """
    is_its = sa.and_(payments.c.bot_id == events.c.bot_id, payments.c.event_id == events.c.event_id)
    query = (
        sa.select(events.c.number, payments)
        .join_from(events, payments, sa.and_(is_its, payments.c.charge_id == events.c.charge_id))
        .where(events.c.bot_id == bot_id, events.c.number > after, events.c.number <= after + most)
        .order_by(events.c.number)
    )
    newest = min(last_number(transaction, bot_id), after + most)
    looked_at, unlisted = newest, []
    for row in transaction.connection.execute(query):
        if row.recorded_at >= moment(before_us):
            looked_at = row.number - 1
            break
        if row.is_listed is None and row.currency == CURRENCY:
            unlisted.append(row)
    return Examined(looked_at, looked_at == after + most, _write_unexplained(transaction, bot_id, unlisted, now_us))


def _write_unexplained(
    transaction: Transaction, bot_id: int, unlisted: Sequence[sa.Row[Any]], now_us: int
) -> list[Event]:
    known = sa.select(unexplained.c.charge_id).where(
        unexplained.c.bot_id == bot_id, unexplained.c.charge_id.in_([row.charge_id for row in unlisted])
    )
    there = set(transaction.connection.scalars(known)) if unlisted else set()
    facts: list[Event] = [
        PaymentUnexplained(
            bot_id=bot_id,
            event_id=following_id(bot_id, f"unexplained {row.charge_id}", now_us),
            at=moment(now_us),
            user_id=row.user_id,
            charge_id=row.charge_id,
            amount_stars=row.amount_stars,
            reason="Telegram's list of transactions does not have it",
        )
        for row in unlisted
        if row.charge_id not in there
    ]
    transaction.insert(_INSERT_UNEXPLAINED, *[(fact.bot_id, fact.charge_id, now_us) for fact in facts])
    publish(transaction, *facts)
    return facts


def unexplained_charges(transaction: Transaction, bot_id: int, most: int) -> tuple[int, list[str]]:
    """How many payments Telegram's list does not have, and the charge ids of the first of them."""
    where = unexplained.c.bot_id == bot_id
    count = transaction.connection.scalar(sa.select(sa.func.count()).select_from(unexplained).where(where))
    query = sa.select(unexplained.c.charge_id).where(where).order_by(unexplained.c.charge_id).limit(most)
    return int(count or 0), list(transaction.connection.scalars(query))


def _event_id(bot_id: int, row: StarTransaction, what: str) -> str:
    return following_id(bot_id, f"{what} {row.key}", row.at_us)
