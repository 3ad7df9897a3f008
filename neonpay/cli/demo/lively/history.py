"""The days of the lively shop, one act after the other."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from neonpay.cli.demo.lively import goods
from neonpay.cli.demo.lively.acts import Acts
from neonpay.cli.demo.lively.shop import Shop
from neonpay.simulator import RunningClock, Simulator

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore

DAYS: Final = 90
ORDERS_A_DAY: Final = 26.0
_DAY_S: Final = 86_400
_JUST_BEFORE_S: Final = 600
_BOT_ID: Final = 7_018_562_341
"""The same in every history, as everybody's is."""
_ROUND_S: Final = 12 * 3600
_COMPARED_AT: Final = (3, 12)
"""Hours of the day at which the books are compared with Telegram's list."""
_LOOKS_MIN: Final = (0, 29, 58, 62)
"""Minutes after which ends of subscriptions are looked for: a shop that was away waits for an hour before it tells of any."""

Told = Callable[[int, int], None]
"""Hears after each day how many are over, and of how many."""
Act = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A lively shop whose past is written; inside the block of :func:`live` it goes on.

    Attributes:
        payments: how many were charged, renewals included.
    """

    telegram: Simulator
    shop: Shop
    payments: int

    @property
    def neonpay(self) -> NeonPayCore:
        """What sells."""
        return self.shop.neonpay


@asynccontextmanager
async def live(
    database_url: str,
    *,
    until: datetime,
    seed: int = 7,
    days: int = DAYS,
    orders_a_day: float = ORDERS_A_DAY,
    told: Told = lambda day, days: None,
) -> AsyncIterator[History]:
    """Live the days that end at ``until``, then hand the shop over; it sells, retries and refunds as long as the block lasts.

    Its time stands still at ``until``; ``history.telegram.run()`` lets it pass.

    Args:
        database_url: an empty ledger.
        seed: the same one gives the same history.
        days: how many, at least 8.
        orders_a_day: what people ask for on a day, on average; not all of it is paid.
        told: hears how far it is.
    """
    clock = RunningClock((until - timedelta(days=days)).timestamp())
    clock.freeze()
    async with Simulator(seed=seed, clock=clock) as telegram:
        account = telegram.bot(goods.BOT, name=goods.BOT_NAME, token=f"{_BOT_ID}:pretended")
        owner = telegram.user("Lena Brandt", username="lena_brandt")
        await owner.says("/start", to=account)
        async with Shop(telegram, account, database_url, owner_id=owner.id, seed=seed) as shop:
            days_of = _Days(shop, Acts(shop, owner, seed=seed), until, days, orders_a_day, seed, told)
            await days_of.pass_()
            yield History(telegram=telegram, shop=shop, payments=len(telegram.payments(account)))


class _Days:
    """Goes from act to act; what an act leads to is put into its place among the others."""

    def __init__(
        self, shop: Shop, acts: Acts, until: datetime, days: int, orders_a_day: float, seed: int, told: Told
    ) -> None:
        self._shop = shop
        self._acts = acts
        self._until = until.astimezone(UTC)
        self._days = days
        self._orders_a_day = orders_a_day
        self._dice = random.Random(f"{seed}/days")  # noqa: S311 - repeatable on purpose
        self._told = told
        self._ahead: list[tuple[float, int, Act]] = []
        self._number = itertools.count()
        acts.later = self.at

    def at(self, when: float, act: Act) -> None:
        """Have ``act`` done at this virtual time; what would come after the end is not done."""
        if when < self._until.timestamp():
            heapq.heappush(self._ahead, (when, next(self._number), act))

    async def pass_(self) -> None:
        """Live every day."""
        first = self._until - timedelta(days=self._days)
        for day in range(self._days + 1):  # the last one is not over
            self._plan_orders(first + timedelta(days=day), day)
        self._plan_upkeep(first.timestamp())
        self._plan_rarities(first.timestamp())
        told = 0
        while self._ahead:
            when, _, act = heapq.heappop(self._ahead)
            await self._wait_until(when)
            await act()
            over = int((when - first.timestamp()) // _DAY_S)
            if over > told:
                told = over
                self._told(told, self._days)
        await self._wait_until(self._until.timestamp() - _JUST_BEFORE_S)
        await self._acts.end_with_what_waits()
        await self._wait_until(self._until.timestamp())
        await self._shop.comes_round()
        self._told(self._days, self._days)

    async def _wait_until(self, when: float) -> None:
        """Let time pass, and whatever falls due be dealt with at its own time."""
        telegram = self._shop.telegram
        while (due := telegram.clock.next_due()) is not None and due.when <= when:
            await telegram.step()
            await self._shop.settle()
        await telegram.advance(max(0.0, when - telegram.clock.now()))
        await self._shop.settle()

    def _plan_orders(self, day: datetime, number: int) -> None:
        growth = 0.7 + 0.6 * number / self._days
        busy = goods.WEEK[day.weekday()] * growth * (2.6 if number == self._promotion_day else 1.0)
        wanted = self._orders_a_day * busy * self._dice.uniform(0.82, 1.18)
        for _ in range(round(wanted)):
            hour = self._dice.choices(range(24), goods.HOURS)[0]
            midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
            when = midnight.timestamp() + hour * 3600 + self._dice.randrange(3600)
            if when >= self._until.timestamp() - self._days * _DAY_S:
                self.at(when, self._acts.order)

    @property
    def _promotion_day(self) -> int:
        return self._days * 2 // 3

    def _plan_upkeep(self, first: float) -> None:
        for turn in range(1, self._days * _DAY_S // _ROUND_S):
            self.at(first + turn * _ROUND_S, self._shop.comes_round)
            for minutes in _LOOKS_MIN:
                self.at(first + turn * _ROUND_S + 60 * minutes, self._shop.tells_of_ends)
        midnight = first - first % _DAY_S
        for day in range(1, self._days + 1):
            for hours in _COMPARED_AT:
                self.at(midnight + day * _DAY_S + hours * 3600, self._acts.compare)
        for day in range(self._days):
            if datetime.fromtimestamp(first + day * _DAY_S, UTC).weekday() == 0:
                self.at(first + day * _DAY_S, self._restock)
        begins = first + self._promotion_day * _DAY_S
        self.at(begins, self._price(goods.LESSONS, goods.PROMOTION_PRICE))
        self.at(begins + _DAY_S, self._price(goods.LESSONS, goods.SHELF[goods.LESSONS].price))
        self._shop.price(goods.BOOK, goods.FIRST_BOOK_PRICE)
        self.at(first + self._days * _DAY_S // 3, self._price(goods.BOOK, goods.SHELF[goods.BOOK].price))

    def _plan_rarities(self, first: float) -> None:
        last = first + self._days * _DAY_S
        for share in (0.2, 0.55, 0.8):
            self.at(first + share * (last - first), self._acts.pays_twice)
        for share in (0.35, 0.7):
            self.at(first + share * (last - first) + 7_000, self._acts.presses_twice)
        for share in (0.3, 0.62, 0.9):
            self.at(first + share * (last - first) + 3_000, self._acts.loses_an_update)
        self.at(first + 0.74 * (last - first), self._acts.withdraws)
        self.at(first + 0.45 * (last - first), self._acts.loses_stars)
        self.at(last - 1.6 * _DAY_S, self._acts.is_blocked)
        self.at(last - 0.9 * _DAY_S, self._acts.never_delivers)

    async def _restock(self) -> None:
        self._shop.prints = goods.PRINTS_A_WEEK

    def _price(self, stage_id: str, stars: int) -> Act:
        async def change() -> None:
            self._shop.price(stage_id, stars)

        return change
