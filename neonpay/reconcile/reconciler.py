"""Telegram's list of transactions against the ledger: what one has and the other has not.

The list is walked from where the last walk stopped, one page after the other. A charge of ours that the ledger does not have is
recorded like one that an update tells of, and delivered; a refund that it does not know of is noted; everything else gets a
journal entry of its own. Each step is one that may be taken again, and the position moves in the transaction that did the
last of them, so that a walk that is cut off loses nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from neonpay.core.clock import Clock
from neonpay.core.events import Event
from neonpay.core.faults import is_its_own
from neonpay.core.limits import TRANSACTIONS_LIMIT, UPDATE_TTL_S
from neonpay.core.log_lines import BALANCE_DRIFTED, PAYMENT_UNEXPLAINED, RECONCILED, RECONCILED_IDLY
from neonpay.core.payments import Charge, Payment, RefundNotice
from neonpay.core.reports import ReconcileReport
from neonpay.core.transactions import StarTransaction, split_stars
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.reconcile.checkpoint import Tally
from neonpay.reconcile.mending import Mender
from neonpay.reconcile.transaction_entries import Examined, entries, examine_payments, unexplained_charges, write_drift
from neonpay.reconcile.transaction_list import Call, TransactionList
from neonpay.reconcile.walk import Walk
from neonpay.store.early_refunds import forget_before
from neonpay.store.once import Once
from neonpay.store.periodic import Turn

logger = logging.getLogger("neonpay.payments")

RECONCILE = "reconcile"
"""Name of the periodic task."""
RECONCILE_EVERY_S = 600.0
RECONCILE_GRACE_S = 60.0
_PAGES_PER_TURN = 600
_PAGES_PER_S = 20.0
_SHOWN = 100
_BALANCE_LOOKS = 3
_END_HOLDS_US = 1_000_000
"""How long the end of the list is taken for its end: what is refunded later is refunded while it is being delivered."""
_UPDATES_COME_US = UPDATE_TTL_S * 1_000_000
_YOUNG_AT_MOST_US = 86_400 * 1_000_000
"""A date that is further ahead than any clock is slow says nothing about how old a row is."""


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


_SOLD_ELSEWHERE = (
    "%d payments of bot %d in Telegram's list were sold by another ledger than this one, which has delivered them most likely; "
    "do not refund them: give the URL of that ledger, create_neonpay(bot, database_url=...) or NEONPAY_DATABASE_URL, or bring "
    "it here with `neonpay move`; if it is lost, they stay as they are (other_ledger)"
)


class Reconciler:
    """Compares the ledger of one bot with Telegram.

    Args:
        call: makes a Bot API call.
        charged: records a charge and has it delivered; None when the ledger had it.
        refunded: notes a refund that Telegram tells of, or keeps it for a charge that is not recorded yet.
        price_of: the price in Stars that a payload of ours was signed with, or None when its signature does not verify.
        number: gives every event that is visible its number.
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
        number: Callable[[], Awaitable[object]],
        new_event_id: Callable[[], str],
        announce: Callable[[Event], None],
    ) -> None:
        self._ledger = ledger
        self._number = number
        self._list = TransactionList(call, pause_s=1 / rules.pages_per_s)
        self._bot_id = bot_id
        self._clock = clock
        self._rules = rules
        self._mender = Mender(
            ledger,
            bot_id=bot_id,
            charged=charged,
            refunded=refunded,
            price_of=price_of,
            announce=announce,
            all_are_ours=rules.all_invoices_are_ours,
            now_us=clock.now_us,
        )
        self._new_event_id = new_event_id
        self._announce = announce

    async def work(self, turn: Turn) -> float | None:
        """One turn of the periodic task; a payment that may still be on its way is looked for again when its time is over."""
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
        walk = Walk(
            turn=turn,
            tally=tally.afresh() if afresh or (tally.left_more and not tally.left) else tally,
            started_us=self._clock.now_us(),
            began_us=await self._ledger.read(_database_now),
            grace_us=int((self._rules.grace_s if grace_s is None else grace_s) * 1_000_000),
            most_pages=most_pages,
        )
        await self._look_at_pending(walk)
        await self._look_at_left(walk)
        # The last row that is dealt with is read again: when it is another one, the list is not the one that was read.
        offset = max(0, walk.tally.position - 1)
        rows = await self._page(walk, offset)
        if not walk.tally.follows(offset, rows):
            logger.warning("Telegram's list of transactions is not the one that was read before; reading it all")
            walk.tally, offset = walk.tally.afresh(), 0
            await self._mender.keep(walk, [])
            rows = await self._page(walk, offset)
        walk.end, walk.end_nanostars = walk.tally.position, walk.tally.nanostars
        while await self._take(walk, offset, rows):
            offset += len(rows)
            if len(rows) < TRANSACTIONS_LIMIT:
                balance = await self._compare_balance(walk)
                await self._examine(walk)
                return await self._report(walk, balance)
            if walk.is_over_its_pages:
                break
            await self._list.pause()
            rows = await self._page(walk, offset)
        return await self._report(walk)

    async def _page(self, walk: Walk, offset: int) -> list[StarTransaction | None]:
        walk.pages += 1
        return await self._list.page(offset)

    async def _look_at_pending(self, walk: Walk) -> None:
        """See what has become of withdrawals; Telegram changes them where they stand."""
        for key, place in list(walk.tally.pending.items()):
            row = await self._row(place)
            if row is None or row.key != key or row.is_pending:
                continue  # a list that is not the same any more is noticed at the position
            walk.tally = walk.tally.ended(row)
            walk.hold(place, [row])
            await self._mender.keep(walk, list(entries(self._bot_id, [row], {})))

    async def _look_at_left(self, walk: Walk) -> None:
        """Try the rows again that were stepped over."""
        places = sorted((place, key) for key, place in walk.tally.left.items())
        if not places:
            return
        found = {place: await self._row(place) for place, _ in places}
        walk.tally = walk.tally.taking_up()
        rows = [row for place, key in places if (row := found[place]) is not None and row.key == key]
        walk.places = {row.key: place for place, row in found.items() if row is not None}
        sold = await self._mender.sales(rows)
        await self._mender.recover(walk, [row for row in rows if self._mender.is_lost(row, sold)])
        sold = await self._mender.sales(rows)
        await self._mender.note_refunds(walk, rows, sold)
        if not await self._mender.enter(walk, rows, sold):
            await self._mender.keep(walk, [])

    async def _row(self, place: int) -> StarTransaction | None:
        found = await self._list.page(place, limit=1)
        return found[0] if found else None

    async def _take(self, walk: Walk, offset: int, rows: Sequence[StarTransaction | None]) -> bool:
        """Deal with those rows of a page that no walk has dealt with; False when another worker is to do it."""
        start = max(offset, walk.tally.position)
        new = rows[start - offset :]
        ripe = new[: self._ripe_count(walk, new)]
        walk.count(offset, rows)
        sold = await self._mender.sales(new)
        lost = [row for row in new if row is not None and self._mender.is_lost(row, sold)]
        if lost:
            # What is found here has a place before the first row that is still too young.
            found = [row for row in ripe if row is not None and self._mender.is_lost(row, sold)]
            walk.waiting += len(lost) - len(found)
            if found and not await self._look_ahead(walk, offset, rows):
                return False
            walk.hold(offset, rows)
            await self._mender.recover(walk, found)
            sold = await self._mender.sales(new)
        walk.hold(offset, rows)
        old = [row for row in ripe if row is not None]
        await self._mender.note_refunds(walk, old, sold)
        before, walk.tally = walk.tally, walk.tally.past(start, ripe)
        walk.is_held_up = walk.is_held_up or len(ripe) < len(new)
        if not await self._mender.enter(walk, old, sold) and walk.tally != before:
            await self._mender.keep(walk, [])
        return True

    async def _look_ahead(self, walk: Walk, offset: int, rows: Sequence[StarTransaction | None]) -> bool:
        """Keep refunds of charges that are not recorded yet, from a page to the end of the list; False when the turn is over.

        What was read for an earlier page is not read again, in a later turn neither.
        """
        if walk.end_seen_us is not None and abs(self._clock.now_us() - walk.end_seen_us) < _END_HOLDS_US:
            return True
        place = max(offset, walk.tally.ahead)
        await self._read_ahead(walk, place, rows[place - offset :])
        is_end = len(rows) < TRANSACTIONS_LIMIT
        while not is_end:
            await self._list.pause()
            page = await self._page(walk, walk.tally.ahead)
            await self._read_ahead(walk, walk.tally.ahead, page)
            is_end = len(page) < TRANSACTIONS_LIMIT
            if walk.is_over_its_pages and not is_end:
                return False
        walk.end_seen_us = self._clock.now_us()
        return True

    async def _read_ahead(self, walk: Walk, place: int, rows: Sequence[StarTransaction | None]) -> None:
        walk.hold(place, rows)
        await self._mender.keep_refunds(walk, rows)
        if place + len(rows) > walk.tally.ahead:
            walk.tally = replace(walk.tally, ahead=place + len(rows))
            await self._mender.keep(walk, [])

    def _ripe_count(self, walk: Walk, rows: Sequence[StarTransaction | None]) -> int:
        """How many of the rows are dealt with now: those before the first one that is too young."""
        if walk.is_held_up:
            return 0
        if not walk.grace_us:
            return len(rows)
        before_us = self._clock.now_us() - walk.grace_us
        until_us = before_us + _YOUNG_AT_MOST_US
        young = (place for place, row in enumerate(rows) if row is not None and before_us < row.at_us <= until_us)
        return next(young, len(rows))

    async def _compare_balance(self, walk: Walk) -> int:
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
            listed = balance - walk.drift
            words = f"the balance is {_shown(balance)}, the list of transactions adds up to {_shown(listed)}"
            event = await self._ledger.run(Once(self._bot_id, self._write_drift), walk, balance, listed, words)
            if walk.drift:
                BALANCE_DRIFTED.tell(event)
            self._announce(event)
        # Kept with the look for payments that follows.
        walk.tally = replace(walk.tally, balance=balance, compared_us=self._clock.now_us())
        return balance

    async def _examine(self, walk: Walk) -> None:
        """Look for payments that Telegram's list, which has been read to its end, does not have."""
        await self._number()
        more = True
        while more:
            try:
                examined = await self._ledger.run(Once(self._bot_id, self._examine_some), walk)
            except Exception as exc:
                if not is_its_own(exc):
                    raise
                logger.exception("payments could not be looked for in Telegram's list; the next comparison tries again")
                walk.unexamined += 1
                return
            walk.tally = replace(walk.tally, examined=examined.number)
            more = examined.more
            for fact in examined.found:
                PAYMENT_UNEXPLAINED.tell(fact)
                self._announce(fact)

    async def _report(self, walk: Walk, balance: int | None = None) -> ReconcileReport:
        if walk.sold_elsewhere:
            logger.error(_SOLD_ELSEWHERE, walk.sold_elsewhere, self._bot_id)
        count, charge_ids = await self._ledger.read(unexplained_charges, self._bot_id, _SHOWN)
        report = walk.report(count, charge_ids, balance)
        found = report.recovered or report.refunded or report.foreign or report.moved
        (RECONCILED if found or not report.is_clean else RECONCILED_IDLY).tell(
            report, began_s=walk.clocked_s, bot_id=self._bot_id
        )
        return report

    def _write_drift(self, transaction: Transaction, walk: Walk, balance: int, listed: int, words: str) -> Event:
        walk.turn.save(transaction, position=walk.tally.position, memo=walk.tally.memo)
        event_id, now_us = self._new_event_id(), self._clock.now_us()
        return write_drift(transaction, self._bot_id, event_id, now_us, balance, listed, words)

    def _examine_some(self, transaction: Transaction, walk: Walk) -> Examined:
        before_us, after = walk.began_us - walk.grace_us, walk.tally.examined
        examined = examine_payments(transaction, self._bot_id, after, before_us, self._clock.now_us())
        if not (examined.more or walk.is_held_up or walk.tally.left):
            forget_before(transaction, self._bot_id, walk.started_us - _UPDATES_COME_US)
        memo = replace(walk.tally, examined=examined.number).memo
        walk.turn.save(transaction, position=walk.tally.position, memo=memo)
        return examined


def _database_now(transaction: Transaction) -> int:
    return int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())


def _shown(nanostars: int) -> str:
    stars, rest = split_stars(nanostars)
    whole = f"{stars} Star" if stars == 1 else f"{stars} Stars"
    return f"{whole} and {rest} nanostars" if rest else whole
