"""``neonpay.reports``: how the shop does, derived from the ledger."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Final, ParamSpec, TypeVar

from neonpay.analytics import (
    accounts,
    attention,
    customers,
    findings,
    funnel,
    proceeds,
    revenue,
    statement,
    subscriptions,
)
from neonpay.analytics.all_rollups import ROLLUPS
from neonpay.analytics.extension import ROLL_UP_EVERY_S
from neonpay.analytics.figures import (
    Account,
    Attention,
    DeliveryTimes,
    Finding,
    Funnel,
    Orders,
    Proceeds,
    Product,
    Revenue,
    Statement,
)
from neonpay.analytics.marks import ROLLUP
from neonpay.analytics.people_figures import Customers, Subscribers
from neonpay.analytics.periods import Bucket, Period
from neonpay.analytics.rollups import catch_up
from neonpay.analytics.scope import Scope, Split
from neonpay.core.clock import Clock, SystemClock, moment
from neonpay.core.namespaces import Awaiting, M, Namespace, verb
from neonpay.ledger import Ledger
from neonpay.store.periodic import PeriodicStore
from neonpay.store.signing_keys import bots as bots_of

LIMIT_S: Final = 30.0
"""How long a report may take when nobody says otherwise."""

P = ParamSpec("P")
T = TypeVar("T")


class Reports(Namespace[M], path="reports"):
    """Figures of the shop. They change nothing, and whoever sells waits for none of them.

    Every verb takes ``bots``, ids of bots of the same ledger (the program's own when left out), and ``stages``, ids of stages
    (all when left out). What each figure says is in ``neonpay.analytics.METRICS``.

    All raise LedgerTimeoutError when the answer takes longer than ``limit_s`` seconds, and LedgerError when the ledger
    cannot be read.
    """

    def __init__(
        self,
        mode: M,
        opened: Callable[[], Awaitable[Ledger]],
        *,
        clock: Clock,
        bots: Sequence[int] | None,
        new_token: Callable[[], int],
        limit_s: float = LIMIT_S,
    ) -> None:
        super().__init__(mode)
        self._new_token = new_token
        self._opened = opened
        self._clock = clock
        self._bots = bots
        self._limit_s = limit_s

    def within(self, limit_s: float) -> Reports[M]:
        """The same reports, each of which may take so long."""
        return Reports(
            self._mode, self._opened, clock=self._clock, bots=self._bots, new_token=self._new_token, limit_s=limit_s
        )

    @verb
    async def revenue(
        self,
        period: Period,
        *,
        by: Bucket = Bucket.DAY,
        split: Split | None = None,
        compare: bool = False,
        bots: Sequence[int] | None = None,
        stages: Sequence[str] | None = None,
    ) -> Revenue:
        """Stars paid and refunded, in each bucket of a period.

        Args:
            split: take it apart by this as well.
            compare: have the period before, too, cut at the same moment.

        Raises:
            ValidationError: the period has too many such buckets.
        """
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, revenue.revenue, scope, period, by, split, compare=compare)

    @verb
    async def orders(
        self, period: Period, *, bots: Sequence[int] | None = None, stages: Sequence[str] | None = None
    ) -> Orders:
        """Payments of a period: how many, what they were worth, from how many people."""
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, revenue.orders, scope, period)

    @verb
    async def statement(
        self,
        period: Period,
        *,
        compare: bool = False,
        bots: Sequence[int] | None = None,
        stages: Sequence[str] | None = None,
    ) -> Statement:
        """The short account of a period that an owner reads first."""
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, statement.statement, scope, period, self._now, compare=compare)

    @verb
    async def funnel(
        self, period: Period, *, bots: Sequence[int] | None = None, stages: Sequence[str] | None = None
    ) -> Funnel:
        """The way from an offer to what was bought, with the reasons of declines and what was abandoned."""
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, funnel.funnel, scope, period, self._now)

    @verb
    async def products(
        self, period: Period, *, bots: Sequence[int] | None = None, stages: Sequence[str] | None = None
    ) -> tuple[Product, ...]:
        """What each stage has brought, largest net first."""
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, statement.products, scope, period)

    @verb
    async def attention(self, *, bots: Sequence[int] | None = None, stages: Sequence[str] | None = None) -> Attention:
        """What waits for a person now."""
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, attention.attention, scope, self._now)

    @verb
    async def delivery_times(
        self, period: Period, *, bots: Sequence[int] | None = None, stages: Sequence[str] | None = None
    ) -> DeliveryTimes:
        """How long deliveries took."""
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, statement.delivery_times, scope, period)

    @verb
    async def subscriptions(
        self,
        period: Period,
        *,
        by: Bucket = Bucket.DAY,
        bots: Sequence[int] | None = None,
        stages: Sequence[str] | None = None,
    ) -> Subscribers:
        """Active subscriptions, 30-day MRR and how it moved, plans, and what is to renew."""
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, subscriptions.subscribers, scope, period, by, self._now)

    @verb
    async def account(
        self,
        period: Period,
        *,
        by: Bucket = Bucket.DAY,
        bots: Sequence[int] | None = None,
        stages: Sequence[str] | None = None,
    ) -> Account:
        """The T-account: what we wrote, what Telegram's list has, the gap between them; the balance, and other movements."""
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, accounts.account, scope, period, by, self._now)

    @verb
    async def customers(
        self,
        period: Period,
        *,
        months: int = 12,
        bots: Sequence[int] | None = None,
        stages: Sequence[str] | None = None,
    ) -> Customers:
        """Who bought, for the first time or again, and what cohorts of them have brought.

        Args:
            months: how many cohorts, the month in which the period ends among them.
        """
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, customers.customers, scope, period, months, self._now)

    @verb
    async def findings(
        self, period: Period, *, bots: Sequence[int] | None = None, stages: Sequence[str] | None = None
    ) -> tuple[Finding, ...]:
        """What an owner should look at; what to say of each is in ``neonpay.analytics.ADVICE``."""
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, findings.findings, scope, period)

    @verb
    async def proceeds(
        self, period: Period, *, bots: Sequence[int] | None = None, stages: Sequence[str] | None = None
    ) -> Proceeds:
        """What the net revenue may be worth in US dollars; an estimate that decides nothing."""
        ledger, scope = await self._about(bots, stages)
        return await ledger.report(self._limit_s, proceeds.proceeds, scope, period)

    @verb
    async def refresh(self, *, bots: Sequence[int] | None = None) -> int:
        """Bring the rollups up to date, as ``Analytics`` does by itself; how many events that were.

        Reports are right without it. Events can be rolled up once they are numbered, which a running shop does by itself and
        ``neonpay.books.seal`` does at once.

        Raises:
            BusyError: another worker is at it.
            LedgerReadOnlyError: this program only reads.
        """
        ledger, scope = await self._about(bots, None)
        count = 0
        for bot_id in scope.bot_ids:
            store = PeriodicStore(ledger, bot_id, new_token=self._new_token)
            for rollup in ROLLUPS:
                async with store.turn(rollup.duty, patience_s=0.0, next_in_s=ROLL_UP_EVERY_S) as turn:
                    found = await catch_up(ledger, turn, renew=rollup.renew, statements=rollup.statements)
                if rollup.duty == ROLLUP:
                    count += found
        return count

    @property
    def _now(self) -> datetime:
        return moment(self._clock.now_us())

    async def _about(self, bots: Sequence[int] | None, stages: Sequence[str] | None) -> tuple[Ledger, Scope]:
        ledger = await self._opened()
        chosen = self._bots if bots is None else bots
        if chosen is None:
            chosen = await ledger.read(bots_of)
        return ledger, Scope.of(chosen, stages)


class _OnThisLoop(Awaiting):
    """Verbs are awaited where they are called, over a ledger that takes calls from anywhere."""

    def __init__(self) -> None:  # there is no home to cross over to
        pass

    def bound(self, method: Callable[P, Coroutine[Any, Any, T]], path: str) -> Callable[P, Coroutine[Any, Any, T]]:
        """The method as it is."""
        return method


def reports_of(
    ledger: Ledger, *, clock: Clock | None = None, bots: Sequence[int] | None = None, limit_s: float = LIMIT_S
) -> Reports[Awaiting]:
    """Reports over a ledger without an application, for commands and panels; the verbs are those of ``neonpay.reports``.

    Args:
        clock: what "now" is; the system's when left out.
        bots: which bots they are about when a verb does not say; all bots of the ledger when left out.
        limit_s: how long a report may take.
    """

    async def opened() -> Ledger:
        await ledger.open()
        return ledger

    return Reports(
        _OnThisLoop(),
        opened,
        clock=clock or SystemClock(),
        bots=bots,
        new_token=lambda: secrets.randbits(62),
        limit_s=limit_s,
    )
