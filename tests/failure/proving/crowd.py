"""Many buyers who keep paying, in the simulator's own process, where a buyer costs next to nothing."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from random import Random

from neonpay.errors import SimulatorTimeoutError
from neonpay.simulator import BotAccount, Buyer, Checkout, Simulator

_FORTUNE = 10**9
_PATIENCE_S = 120.0
_TALK_PATIENCE_S = 15.0
_REFUND_SHARE = 0.1
_RACERS = 8
_TALKS_MOST = 20
"""Whoever waits for a message looks through the whole chat, so that a long one is slow."""


class Meter:
    """Counts, and wakes those who wait for a count."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def add(self) -> None:
        self.count += 1
        while self._waiting and self._waiting[0][0] <= self.count:
            _, _, reached = heapq.heappop(self._waiting)
            if not reached.done():
                reached.set_result(None)

    async def reach(self, count: int) -> None:
        """Wait until so many have been counted."""
        if self.count < count:
            reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (count, next(self._numbers), reached))
            await reached


class Crowd:
    """People who pay by link, and a few who talk to the bot.

    Args:
        width: how many pay by link at the same time.
        talkers: how many ask for an invoice by ``/buy``, and now and then for their Stars back.

    Attributes:
        paid: counts payments.
        outcomes: how payments ended.
    """

    def __init__(
        self, telegram: Simulator, account: BotAccount, random: Random, *, width: int = 32, talkers: int = 2
    ) -> None:
        self._telegram = telegram
        self._account = account
        self._random = random
        self._payers = [telegram.user(f"Buyer {number}", stars=_FORTUNE) for number in range(width)]
        self._talkers = talkers
        self.paid = Meter()
        self.outcomes: Counter[str] = Counter()

    async def asks_for_a_link(self) -> str:
        """An invoice link that anybody can pay; a shop has to live for it."""
        asking = self._payers[0]
        await asking.says("/link", to=self._account)
        message = await asking.hears(self._account, containing="https://t.me/$", timeout_s=30)
        return message.text or ""

    async def buys(self, link: str, enough: Callable[[], bool]) -> None:
        """Keep buying until it is enough, and until every payment that has begun is over."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pays(link, enough))
            for _ in range(self._talkers):
                group.create_task(self._talks(enough))
            group.create_task(self._races(enough))

    async def _pays(self, link: str, enough: Callable[[], bool]) -> None:
        waiting: dict[Checkout, Buyer] = {}
        free = list(self._payers)

        def ended() -> list[Checkout] | None:
            return [checkout for checkout in waiting if checkout.result is not None] or None

        while True:
            while free and not enough():
                buyer = free.pop()
                waiting[await buyer.begins_to_pay(await buyer.opens(link))] = buyer
            if not waiting:
                return
            for checkout in await self._telegram.until(ended, timeout_s=_PATIENCE_S, what="a payment to end"):
                free.append(waiting.pop(checkout))
                assert checkout.result is not None
                self._note(checkout.result.status)

    async def _races(self, enough: Callable[[], bool]) -> None:
        """Again and again, more people than there are seats pay one invoice at the same time."""
        racers = [self._telegram.user(f"Racer {number}", stars=_FORTUNE) for number in range(_RACERS)]
        while not enough():
            caller = self._telegram.user("Caller")
            await caller.says("/few", to=self._account)
            try:
                message = await caller.hears(self._account, containing="https://t.me/$", timeout_s=_TALK_PATIENCE_S)
            except SimulatorTimeoutError:
                continue
            link = message.text or ""
            checkouts = [await racer.begins_to_pay(await racer.opens(link)) for racer in racers]
            for checkout in checkouts:
                await self._telegram.until(
                    lambda checkout=checkout: checkout.result, timeout_s=_PATIENCE_S, what="a race to end"
                )
                assert checkout.result is not None
                self._note(checkout.result.status)

    async def _talks(self, enough: Callable[[], bool]) -> None:
        charges: list[str] = []
        for number in itertools.count():
            if enough():
                return
            if number % _TALKS_MOST == 0:
                talker = self._telegram.user("Talker", stars=_FORTUNE)
            await talker.says("/buy", to=self._account)
            try:
                invoice = await talker.hears(
                    self._account, predicate=lambda message: message.invoice is not None, timeout_s=_TALK_PATIENCE_S
                )
                outcome = await talker.pays(invoice, timeout_s=_TALK_PATIENCE_S)
            except SimulatorTimeoutError:
                continue  # its request was lost with the shop that had it; people ask again
            self._note(outcome.status)
            if outcome.charge_id is not None:
                charges.append(outcome.charge_id)
            if charges and self._random.random() < _REFUND_SHARE:
                await talker.says(f"/refund {self._random.choice(charges)}", to=self._account)

    def _note(self, status: str) -> None:
        self.outcomes[status] += 1
        if status == "paid":
            self.paid.add()
