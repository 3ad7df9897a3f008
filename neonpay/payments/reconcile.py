"""Telegram's list of transactions against the ledger: what one has and the other has not.

The list is walked from where the last walk stopped, one page after the other. A charge of ours that the ledger does not have is
recorded like one that an update tells of, and delivered; a refund that it does not know of is noted; everything else gets a
journal entry of its own. Each step is one that may be taken again, and the position moves in the transaction that did the
last of them, so that a walk that is cut off loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from neonpay.core.clock import Clock, moment
from neonpay.core.events import Event
from neonpay.core.limits import CURRENCY, TRANSACTIONS_LIMIT
from neonpay.core.payload import is_ours
from neonpay.core.payments import Charge, Payment, RefundNotice, Source
from neonpay.core.reports import ReconcileReport
from neonpay.core.transactions import NANOSTARS, Account, StarTransaction, split_stars
from neonpay.ledger import Ledger, Transaction
from neonpay.payments.duties import Turn
from neonpay.payments.listed import Call, TransactionList
from neonpay.payments.movements import (
    Entry,
    Sale,
    entries,
    examine_payments,
    list_payments,
    sales,
    unexplained_charges,
    write_drift,
    write_entries,
)
from neonpay.payments.tally import Tally

logger = logging.getLogger("neonpay.payments")

RECONCILE = "reconcile"
"""Name of the duty."""
RECONCILE_EVERY_S = 600.0
RECONCILE_GRACE_S = 60.0
_PAGES_PER_TURN = 600
_PAGES_PER_S = 20.0
_SHOWN = 100
_BALANCE_LOOKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRules:
    """How the comparison is made.

    Attributes:
        every_s: seconds between two comparisons; None for none but those that are asked for.
        grace_s: how old a row is before the ledger has to know of it; until then its update may be on its way.
        all_invoices_are_ours: whether a payment of an invoice that neonpay did not make needs attention; otherwise it is the
            host's own business, and only its Stars are counted.
        pages_per_turn: pages of 100 rows after which another worker may go on.
        pages_per_s: pages that are asked for in one second at most.
    """

    every_s: float | None = RECONCILE_EVERY_S
    grace_s: float = RECONCILE_GRACE_S
    all_invoices_are_ours: bool = False
    pages_per_turn: int = _PAGES_PER_TURN
    pages_per_s: float = _PAGES_PER_S


class Reconciler:
    """Compares the ledger of one bot with Telegram.

    Args:
        call: makes a Bot API call.
        charged: records a charge and has it delivered; None when the ledger had it.
        refunded: notes a refund that Telegram tells of.
        price_of: the price in Stars that a payload of ours was signed with, or None when its signature does not verify.
    """

    def __init__(
        self,
        ledger: Ledger,
        call: Call,
        *,
        bot_id: int,
        clock: Clock,
        rules: ReconcileRules,
        charged: Callable[[Charge], Awaitable[Payment | None]],
        refunded: Callable[[RefundNotice], Awaitable[None]],
        price_of: Callable[[str], Awaitable[int | None]],
        new_event_id: Callable[[], str],
        announce: Callable[[Event], None],
    ) -> None:
        self._ledger = ledger
        self._list = TransactionList(call, pause_s=1 / rules.pages_per_s)
        self._bot_id = bot_id
        self._clock = clock
        self._rules = rules
        self._charged = charged
        self._refunded = refunded
        self._price_of = price_of
        self._new_event_id = new_event_id
        self._announce = announce

    async def work(self, turn: Turn) -> float | None:
        """One turn of the duty; a payment that may still be on its way is looked for again when its time is over."""
        report = await self.walk(turn, most_pages=self._rules.pages_per_turn)
        if not report.is_complete:
            return 0.0
        every_s = self._rules.every_s
        return min(self._rules.grace_s, every_s) if report.waiting and every_s is not None else None

    async def walk(
        self, turn: Turn, *, grace_s: float | None = None, most_pages: int | None = None, afresh: bool = False
    ) -> ReconcileReport:
        """Compare from where the last walk stopped, or ``afresh`` from the first row, to the end of the list.

        Raises:
            LeaseLostError: another worker has taken over, and goes on where this one has come to.
            LedgerError, TelegramError, TelegramUnreachableError: the walk stopped; what it found until then is recorded.
        """
        tally = Tally.of(turn)
        walk = _Walk(
            turn=turn,
            tally=tally.afresh() if afresh else tally,
            started_us=self._clock.now_us(),
            grace_us=int((self._rules.grace_s if grace_s is None else grace_s) * 1_000_000),
        )
        await self._look_at_pending(walk)
        # The last row that is dealt with is read again: when it is another one, the list is not the one that was read.
        offset = max(0, walk.tally.position - 1)
        rows = await self._list.page(offset)
        if not walk.tally.follows(offset, rows):
            logger.warning("Telegram's list of transactions is not the one that was read before; reading it all")
            walk.tally, offset = walk.tally.afresh(), 0
            await self._keep(walk, [])
            rows = await self._list.page(offset)
        walk.end, walk.end_nanostars = walk.tally.position, walk.tally.nanostars
        pages = 1
        while True:
            await self._take(walk, offset, rows)
            offset += len(rows)
            if len(rows) < TRANSACTIONS_LIMIT:
                break
            if pages == most_pages:
                return await self._report(walk)
            await self._list.pause()
            rows = await self._list.page(offset)
            pages += 1
        balance = await self._compare_balance(walk)
        await self._examine(walk)
        return await self._report(walk, balance)

    async def _look_at_pending(self, walk: _Walk) -> None:
        """See what has become of withdrawals; Telegram changes them where they stand."""
        for key, place in list(walk.tally.pending.items()):
            found = await self._list.page(place, limit=1)
            row = found[0] if found else None
            if row is None or row.key != key or row.is_pending:
                continue  # a list that is not the same any more is noticed at the position
            walk.tally = walk.tally.ended(row)
            await self._keep(walk, list(entries(self._bot_id, [row], {})))

    async def _take(self, walk: _Walk, offset: int, rows: Sequence[StarTransaction | None]) -> None:
        """Deal with those rows of a page that no walk has dealt with."""
        start = max(offset, walk.tally.position)
        new = rows[start - offset :]
        ripe = new[: self._ripe_count(walk, new)]
        walk.count(offset, rows)
        charge_ids = list(dict.fromkeys(row.transaction_id for row in new if row is not None and row.is_sale))
        sold = await self._sales(charge_ids)
        lost = [row for row in new if row is not None and self._is_lost(row, sold)]
        if lost:
            # What is found here has a place before the first row that is still too young.
            found = [row for row in ripe if row is not None and self._is_lost(row, sold)]
            walk.waiting += len(lost) - len(found)
            await self._recover(walk, found)
            sold = await self._sales(charge_ids)
        old = [row for row in ripe if row is not None]
        await self._note_refunds(walk, old, sold)
        before, walk.tally = walk.tally, walk.tally.past(start, ripe)
        walk.is_held_up = walk.is_held_up or len(ripe) < len(new)
        unlisted = [charge_id for charge_id, sale in sold.items() if not sale.is_listed]
        wanted = list(entries(self._bot_id, old, sold))
        if walk.tally != before or unlisted or wanted:
            await self._keep(walk, wanted, unlisted)

    def _ripe_count(self, walk: _Walk, rows: Sequence[StarTransaction | None]) -> int:
        """How many of the rows are dealt with now: those before the first one that is too young."""
        if walk.is_held_up:
            return 0
        if not walk.grace_us:
            return len(rows)
        before_us = self._clock.now_us() - walk.grace_us
        young = (place for place, row in enumerate(rows) if row is not None and row.at_us > before_us)
        return next(young, len(rows))

    def _is_lost(self, row: StarTransaction, sold: Mapping[str, Sale]) -> bool:
        if not row.is_sale or not row.incoming or row.transaction_id in sold:
            return False
        return self._rules.all_invoices_are_ours or is_ours(row.payload)

    async def _sales(self, charge_ids: Sequence[str]) -> dict[str, Sale]:
        return await self._ledger.read(sales, self._bot_id, charge_ids) if charge_ids else {}

    async def _recover(self, walk: _Walk, lost: Sequence[StarTransaction]) -> None:
        """Record charges that the ledger does not have, as their updates would have done."""
        charges = [await self._charge(row) for row in lost]
        outcomes = await asyncio.gather(*map(self._charged, charges), return_exceptions=True)
        for charge, outcome in zip(charges, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome is not None:  # else its update has come meanwhile
                logger.warning("charge %s was missing; it is recorded now", charge.charge_id)
                walk.recovered += 1
                walk.needs_attention += outcome.attention is not None

    async def _charge(self, row: StarTransaction) -> Charge:
        price_stars = await self._price_of(row.payload)
        stars, rest = split_stars(row.nanostars)
        if price_stars is not None and row.nanostars + row.affiliate_nanostars == price_stars * NANOSTARS:
            stars, rest = price_stars, 0  # the row is net of what the affiliate got, the charge was not
        if rest:
            logger.warning("charge %s is of %d Stars and %d nanostars", row.transaction_id, stars, rest)
        period_s = row.subscription_period_s
        return Charge(
            bot_id=self._bot_id,
            charge_id=row.transaction_id,
            user_id=row.user_id or 0,
            amount=stars,
            currency=CURRENCY,
            payload=row.payload,
            paid_at_us=row.at_us,
            is_recurring=period_s is not None,
            subscription_expires_at_us=None if period_s is None else row.at_us + period_s * 1_000_000,
            source=Source.RECONCILE,
        )

    async def _note_refunds(self, walk: _Walk, rows: Sequence[StarTransaction], sold: Mapping[str, Sale]) -> None:
        for row in rows:
            sale = sold.get(row.transaction_id)
            if row.incoming or not row.is_sale or sale is None or sale.is_refunded:
                continue
            stars, _ = split_stars(row.nanostars)
            await self._refunded(
                RefundNotice(
                    bot_id=self._bot_id,
                    charge_id=row.transaction_id,
                    user_id=row.user_id or 0,
                    amount=stars,
                    payload=row.payload,
                    source=Source.RECONCILE,
                )
            )
            logger.warning("charge %s was refunded; the ledger knows it now", row.transaction_id)
            walk.refunded += 1

    async def _compare_balance(self, walk: _Walk) -> int:
        """The balance in nanostars; when it is not what the list adds up to, that is told once."""
        sums = [walk.end_nanostars]
        balance = await self._list.balance()
        for _ in range(_BALANCE_LOOKS):
            if balance in sums:
                break
            # Stars may have come between the last page and the balance.
            for row in await self._list.page(walk.end):
                walk.count(walk.end, [row])
                sums.append(walk.end_nanostars)
            if balance in sums:
                break
            balance = await self._list.balance()
        walk.drift = 0 if balance in sums else balance - sums[-1]
        if walk.drift != walk.tally.drift:
            walk.tally = replace(walk.tally, drift=walk.drift)
            words = f"the balance is {_shown(balance)}, the list of transactions adds up to {_shown(sums[-1])}"
            if walk.drift:
                logger.error("bot %d: %s", self._bot_id, words)
            event = await self._ledger.run(self._write_drift, walk, words)
            self._announce(event)
        return balance

    async def _examine(self, walk: _Walk) -> None:
        """Look for payments that Telegram's list, which has been read to its end, does not have."""
        before_us = walk.started_us - walk.grace_us
        while True:
            last, facts = await self._ledger.run(self._examine_some, walk, before_us)
            for fact in facts:
                logger.error("Telegram's list of transactions does not have charge %s", fact.charge_id)
                self._announce(fact)
            if last is None:
                return
            walk.tally = replace(walk.tally, examined=last)

    async def _report(self, walk: _Walk, balance: int | None = None) -> ReconcileReport:
        count, charge_ids = await self._ledger.read(unexplained_charges, self._bot_id, _SHOWN)
        balance_stars, balance_nanostars = (None, None) if balance is None else split_stars(balance)
        drift_stars, drift_nanostars = split_stars(walk.drift)
        return ReconcileReport(
            started_at=moment(walk.started_us),
            checked=walk.checked,
            recovered=walk.recovered,
            needs_attention=walk.needs_attention,
            refunded=walk.refunded,
            foreign=walk.foreign,
            moved=walk.moved,
            waiting=walk.waiting,
            unreadable=walk.unreadable,
            unexplained=count,
            unexplained_charges=tuple(charge_ids),
            balance_stars=balance_stars,
            balance_nanostars=balance_nanostars,
            drift_stars=drift_stars,
            drift_nanostars=drift_nanostars,
            is_complete=balance is not None,
        )

    async def _keep(self, walk: _Walk, wanted: Sequence[Entry], unlisted: Sequence[str] = ()) -> None:
        """Write entries and the tally in one transaction, then tell of them."""
        for event in await self._ledger.run(self._write, walk.turn, walk.tally, wanted, unlisted):
            if event.reason == Account.FOREIGN:
                walk.foreign += 1
            else:
                walk.moved += 1
            self._announce(event)

    def _write(
        self, transaction: Transaction, turn: Turn, tally: Tally, wanted: Sequence[Entry], unlisted: Sequence[str]
    ) -> list[Event]:
        facts = write_entries(transaction, self._bot_id, wanted, self._clock.now_us())
        if unlisted:
            list_payments(transaction, self._bot_id, unlisted)
        turn.save(transaction, position=tally.position, memo=tally.memo)
        return facts

    def _write_drift(self, transaction: Transaction, walk: _Walk, words: str) -> Event:
        walk.turn.save(transaction, position=walk.tally.position, memo=walk.tally.memo)
        event_id, now_us = self._new_event_id(), self._clock.now_us()
        return write_drift(transaction, self._bot_id, event_id, now_us, walk.drift, words)

    def _examine_some(self, transaction: Transaction, walk: _Walk, before_us: int) -> tuple[str | None, list[Event]]:
        now_us = self._clock.now_us()
        last, facts = examine_payments(transaction, self._bot_id, walk.tally.examined, before_us, now_us)
        if last is not None:
            kept = replace(walk.tally, examined=last)
            walk.turn.save(transaction, position=kept.position, memo=kept.memo)
        return last, facts


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One walk on its way.

    Attributes:
        end: rows of the list that this walk has seen the end of, and ``end_nanostars`` what all of them add up to.
        is_held_up: whether a row was too young; the position stays before it.
    """

    turn: Turn
    tally: Tally
    started_us: int
    grace_us: int
    end: int = 0
    end_nanostars: int = 0
    is_held_up: bool = False
    checked: int = 0
    recovered: int = 0
    needs_attention: int = 0
    refunded: int = 0
    foreign: int = 0
    moved: int = 0
    waiting: int = 0
    unreadable: int = 0
    drift: int = 0

    def count(self, offset: int, rows: Sequence[StarTransaction | None]) -> None:
        """Add rows from ``offset`` on that have not been counted."""
        for row in rows[self.end - offset :]:
            self.end += 1
            self.checked += 1
            if row is None:
                self.unreadable += 1
            else:
                self.end_nanostars += row.effect


def _shown(nanostars: int) -> str:
    stars, rest = split_stars(nanostars)
    return f"{stars} Stars" if not rest else f"{stars} Stars and {rest} nanostars"
