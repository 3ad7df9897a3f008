"""What the ledger does not have of rows of Telegram's list is written, and one row's fault stops no other row."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from neonpay.core.events import Event, Movement, WithdrawalSucceeded
from neonpay.core.faults import is_its_own
from neonpay.core.limits import CURRENCY
from neonpay.core.payload import is_ours
from neonpay.core.payments import Attention, Charge, Payment, PaymentState, RefundNotice, Source
from neonpay.core.transactions import NANOSTARS, Account, StarTransaction, charged_key, split_stars
from neonpay.ledger import Ledger, Transaction
from neonpay.reconcile.checkpoint import Tally
from neonpay.reconcile.transaction_entries import Entry, Sale, entries, list_payments, sales, write_entries
from neonpay.reconcile.walk import Walk
from neonpay.store.once import Once
from neonpay.store.periodic import Turn

logger = logging.getLogger("neonpay.payments")


class Mender:
    """Mends the ledger of one bot.

    Args:
        charged: records a charge and has it delivered; None when the ledger had it.
        refunded: notes a refund that Telegram tells of, or keeps it for a charge that is not recorded yet.
        price_of: the price in Stars that a payload of ours was signed with, or None when its signature does not verify.
        all_are_ours: whether charges of invoices that neonpay did not make are recorded, too.
        now_us: the time of entries.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        bot_id: int,
        charged: Callable[[Charge], Awaitable[Payment | None]],
        refunded: Callable[[RefundNotice], Awaitable[None]],
        price_of: Callable[[str], Awaitable[int | None]],
        announce: Callable[[Event], None],
        all_are_ours: bool,
        now_us: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._charged = charged
        self._refunded = refunded
        self._price_of = price_of
        self._announce = announce
        self._all_are_ours = all_are_ours
        self._now_us = now_us

    async def sales(self, rows: Sequence[StarTransaction | None]) -> dict[str, Sale]:
        """What the ledger has of the charges that rows are about."""
        ids = list(dict.fromkeys(row.transaction_id for row in rows if row is not None and row.is_sale))
        return await self._ledger.read(sales, self._bot_id, ids) if ids else {}

    def is_lost(self, row: StarTransaction, sold: Mapping[str, Sale]) -> bool:
        """Whether a row is a charge of ours that the ledger does not have."""
        return row.is_sale and row.incoming and row.transaction_id not in sold and self._is_of_ours(row)

    async def recover(self, walk: Walk, lost: Sequence[StarTransaction]) -> None:
        """Record charges that the ledger does not have, as their updates would have done."""
        in_order: dict[str, list[StarTransaction]] = {}
        for row in lost:
            # What a payment means depends on which payments of its invoice came before.
            in_order.setdefault(row.payload, []).append(row)
        outcomes = await asyncio.gather(
            *[self._recover_each(walk, rows) for rows in in_order.values()], return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _recover_each(self, walk: Walk, rows: Sequence[StarTransaction]) -> None:
        for row in rows:
            try:
                payment = await self._charged(await self._charge(row))
            except Exception as exc:
                if not is_its_own(exc):
                    raise
                walk.step_over(row, exc)
                continue
            if payment is None:
                continue  # its update has come meanwhile
            walk.recovered += 1
            if payment.attention is Attention.OTHER_LEDGER:
                walk.sold_elsewhere += 1
            else:
                logger.warning("charge %s was missing; it is recorded now", payment.charge_id)
                walk.needs_attention += payment.attention is not None
                walk.refunded += payment.state is PaymentState.REFUNDED

    async def keep_refunds(self, walk: Walk, rows: Sequence[StarTransaction | None]) -> None:
        """Keep the refunds among rows whose charges the ledger does not have, so that these are never delivered."""
        gone = [row for row in rows if row is not None and row.is_refund and self._is_of_ours(row)]
        sold = await self.sales(gone)
        for row in gone:
            if row.transaction_id not in sold:
                await self._note(walk, row)

    async def note_refunds(self, walk: Walk, rows: Sequence[StarTransaction], sold: Mapping[str, Sale]) -> None:
        """Write refunds that the ledger does not know of."""
        for row in rows:
            if not row.is_refund:
                continue
            sale = sold.get(row.transaction_id)
            if sale is None:
                if charged_key(row) in walk.tally.left and await self._note(walk, row):
                    walk.leave(row)
            elif not sale.is_refunded and await self._note(walk, row):
                logger.warning("charge %s was refunded; the ledger knows it now", row.transaction_id)
                walk.refunded += 1

    async def _note(self, walk: Walk, row: StarTransaction) -> bool:
        """Whether it was noted; else the row is stepped over."""
        stars, _ = split_stars(row.nanostars)
        notice = RefundNotice(
            bot_id=self._bot_id,
            charge_id=row.transaction_id,
            user_id=row.user_id or 0,
            amount=stars,
            payload=row.payload,
            source=Source.RECONCILE,
        )
        try:
            await self._refunded(notice)
        except Exception as exc:
            if not is_its_own(exc):
                raise
            walk.step_over(row, exc)
            return False
        return True

    async def enter(self, walk: Walk, rows: Sequence[StarTransaction], sold: Mapping[str, Sale]) -> bool:
        """Write the entries that rows ask for, and that Telegram has the payments; whether there was anything to write."""
        unlisted = [charge_id for charge_id, sale in sold.items() if not sale.is_listed]
        wanted = list(entries(self._bot_id, [row for row in rows if not walk.is_left(row)], sold))
        if unlisted or wanted:
            await self.keep(walk, wanted, unlisted)
        return bool(unlisted or wanted)

    async def keep(self, walk: Walk, wanted: Sequence[Entry], unlisted: Sequence[str] = ()) -> None:
        """Write entries and the tally in one transaction, then tell of them."""
        try:
            facts = await self._ledger.run(Once(self._bot_id, self._write), walk.turn, walk.tally, wanted, unlisted)
        except Exception as exc:
            if not wanted or not is_its_own(exc):
                raise
            facts = [fact for entry in wanted for fact in await self._write_alone(walk, entry)]
            await self._ledger.run(self._write, walk.turn, walk.tally, (), unlisted)
        for event in facts:
            if event.account == Account.FOREIGN:
                walk.foreign += 1
            elif not isinstance(event, WithdrawalSucceeded):  # which moves nothing any more
                walk.moved += 1
            self._announce(event)

    async def _write_alone(self, walk: Walk, entry: Entry) -> list[Movement]:
        try:
            return await self._ledger.run(Once(self._bot_id, write_entries), self._bot_id, [entry], self._now_us())
        except Exception as exc:
            if not is_its_own(exc):
                raise
            walk.step_over(entry.row, exc)
            return []

    def _write(
        self, transaction: Transaction, turn: Turn, tally: Tally, wanted: Sequence[Entry], unlisted: Sequence[str]
    ) -> list[Movement]:
        facts = write_entries(transaction, self._bot_id, wanted, self._now_us())
        if unlisted:
            list_payments(transaction, self._bot_id, unlisted)
        turn.save(transaction, position=tally.position, memo=tally.memo)
        return facts

    def _is_of_ours(self, row: StarTransaction) -> bool:
        return self._all_are_ours or is_ours(row.payload)

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
            full_charge_id=row.full_id,
            source=Source.RECONCILE,
        )
