"""The bot of the lively shop: aiogram and neonpay as anybody puts them together, and what goes wrong in it on purpose."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from aiogram import Bot, Dispatcher
from aiogram.filters import CommandObject, CommandStart
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

from neonpay import Invoice, PaymentContext, PaymentResult, create_neonpay
from neonpay.cli.demo.lively import goods
from neonpay.core.checkout import CheckoutRefused
from neonpay.core.job_states import JobState
from neonpay.core.words import Translated
from neonpay.testing import SimulatedClock

if TYPE_CHECKING:
    from types import TracebackType

    from neonpay.simulator import BotAccount, Simulator
    from neonpay.store.job_rows import JobRecord
    from neonpay.store.periodic import PeriodicTask

_ATTEMPTS: Final = 5
_DELIVER: Final = "deliver"
_POLL_S: Final = 0.05
_LOOK_S: Final = 0.005
_TURN_S: Final = 15.0
"""Real seconds that the shop may take over anything."""


class Shop:
    """Sells while it is entered; its clock is the simulator's, and what comes round comes round when it is told.

    Attributes:
        prints: how many prints are left this week.
        fails: how often the delivery to a user is still to fail, and with which words.
        loses_next: whether the next update of a payment is lost on its way.
    """

    def __init__(
        self, telegram: Simulator, account: BotAccount, database_url: str, *, owner_id: int, seed: int
    ) -> None:
        dice = random.Random(f"{seed}/shop")  # noqa: S311 - repeatable on purpose; signs invoices of a pretended Telegram
        self.telegram = telegram
        self.account = account
        self.prints = goods.PRINTS_A_WEEK
        self.fails: Counter[int] = Counter()
        self.loses_next = False
        self._dice = dice
        self._holds = False
        self._begun, self._released = asyncio.Event(), asyncio.Event()
        self._bot: Bot = telegram.aiogram_bot(account)
        self._dispatcher = Dispatcher()
        self._running = AsyncExitStack()
        self._level = logging.getLogger("neonpay").level  # of the whole process, which may have other shops
        self.neonpay = create_neonpay(
            self._bot,
            dispatcher=self._dispatcher,
            database_url=database_url,
            admins=[owner_id],
            thank_you_message="Thank you. Have a good lesson.",
            poll_s=_POLL_S,
            messages_per_s=None,
            reconcile_every_s=None,  # when the history says so
            all_invoices_are_ours=True,
            enable_logging=False,  # what goes wrong here is meant to
            clock=SimulatedClock(telegram.clock),
            rng=dice,
            token_bytes=dice.randbytes,
        )
        self._sell()

    def _sell(self) -> None:
        for stage_id, stage in goods.SHELF.items():
            self.neonpay.create_payment_stage(stage_id, stage)
        self.neonpay.enable_support(
            terms="Goods are delivered at once. What you do not get, you get your Stars back for."
        )
        self.neonpay.on_pre_checkout(self._may_be_sold)
        self.neonpay.on_payment(name=_DELIVER, max_attempts=_ATTEMPTS)(self._deliver)
        self._dispatcher.message.register(self._offer, CommandStart(deep_link=True))
        self._dispatcher.message.register(self._greet, CommandStart())

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.callback(logging.getLogger("neonpay").setLevel, self._level)
            await stack.enter_async_context(self.telegram.feeding(self.account, self._feed))
            stack.push_async_callback(self._bot.session.close)
            stack.push_async_callback(self.neonpay.close)
            await self.neonpay.setup()
            await self.neonpay.program.pipeline.periodic.stop()  # by a clock that jumps, its turns would come anywhere
            self._running = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.__aexit__(kind, error, trace)

    def go_on_by_itself(self) -> None:
        """Have what comes round come round by the clock from now on, as in a shop that nobody directs."""
        self.neonpay.program.pipeline.periodic.start()

    async def settle(self) -> None:
        """Wait until the bot has taken its updates and every handler has come to its end."""
        await self.telegram.idle(self.account)
        await self.neonpay.program.drain()

    async def delivers_after(self, seconds: float) -> None:
        """Let this much time pass between the payment that is on its way and its delivery."""
        async with asyncio.timeout(_TURN_S):
            await self._begun.wait()
        await self.telegram.advance(seconds)
        self._holds = False
        self._released.set()
        await self.settle()

    def will_hold_a_delivery(self) -> None:
        """Have the next delivery begin and wait for :meth:`delivers_after`."""
        self._begun.clear()
        self._released.clear()
        self._holds = True

    def will_hold_nothing(self) -> None:
        """Deliver at once again."""
        self._holds = False
        self._released.set()

    async def attempt(self, charge_id: str, number: int) -> bool:
        """Wait until the delivery of a payment was tried so often; whether it will be tried again.

        Raises:
            TimeoutError: it was not, although it is due.
        """
        async with asyncio.timeout(_TURN_S):
            while (job := await self._delivery(charge_id)).attempts < number or job.state == JobState.LEASED:
                self.neonpay.program.pipeline.fulfilment.changed.set()
                await asyncio.sleep(_LOOK_S)
        await self.settle()
        return job.state == JobState.READY

    async def comes_round(self) -> None:
        """Do what a shop does every few minutes: number and seal, expire and abandon, and write who was seen."""
        pipeline = self.neonpay.program.pipeline
        for task in (pipeline.sealer.task, *pipeline.endings.tasks):
            await self._take_a_turn(task)
        await pipeline.people.write()

    async def tells_of_ends(self) -> None:
        """Tell of subscriptions that have ended."""
        await self._take_a_turn(self.neonpay.program.pipeline.subscription_ends.task)

    def price(self, stage_id: str, stars: int) -> None:
        """Sell at another price from now on."""
        self.neonpay.replace_payment_stage(stage_id, replace(goods.SHELF[stage_id], price=stars))

    def price_of(self, stage_id: str) -> int:
        """The price of now."""
        return self.neonpay.list_payment_stages()[stage_id].price

    async def _take_a_turn(self, task: PeriodicTask) -> None:
        store = self.neonpay.program.pipeline.periodic_store
        async with store.turn(task.name, patience_s=_TURN_S, next_in_s=task.every_s) as turn:
            await task.work(turn)

    async def _delivery(self, charge_id: str) -> JobRecord:
        jobs = await self.neonpay.jobs.of(charge_id)
        return next(job for job in jobs if job.consumer.endswith(f":{_DELIVER}"))

    async def _feed(self, update: dict[str, object]) -> None:
        message = update.get("message")
        if self.loses_next and isinstance(message, dict) and "successful_payment" in message:
            self.loses_next = False
            return
        await self._dispatcher.feed_raw_update(self._bot, update)

    async def _greet(self, message: Message) -> None:
        await message.answer("Hello. Which lesson would you like?")

    async def _offer(self, message: Message, command: CommandObject) -> None:
        assert message.from_user is not None, "people write to the bot"
        stage_id, _, manner = str(command.args).partition("-")
        user_id = message.from_user.id
        if stage_id in goods.PLANS:
            link = (
                await self.neonpay.create_payment_link(
                    stage_id, user_id=user_id, options={"subscription_period": goods.PERIOD_S}
                )
            ).link
        elif manner == "link":
            link = (await self.neonpay.create_payment_link(stage_id)).link
        else:
            await self.neonpay.send_payment(user_id, stage_id)
            return
        button = InlineKeyboardButton(text=goods.SHELF[stage_id].title, url=link)
        await message.answer("Here you are:", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]))

    async def _may_be_sold(self, invoice: Invoice) -> None:
        stage = self.neonpay.get_payment_stage(str(invoice.stage_id))
        if stage is not None and stage.price != invoice.price_stars:
            raise _refused(goods.PRICE_CHANGED, "price_changed")
        if invoice.stage_id == goods.PRINT and self.prints <= 0:
            raise _refused(goods.SOLD_OUT, "sold_out")

    async def _deliver(self, result: PaymentResult, ctx: PaymentContext) -> None:
        if self._holds:
            self._begun.set()
            await self._released.wait()
        if self.fails[result.user_id] > 0:
            self.fails[result.user_id] -= 1
            raise ConnectionError(goods.FAULTS[result.user_id % len(goods.FAULTS)])
        if result.stage_id == goods.PRINT:
            self.prints -= 1
        # A message of the handler's own, and no ctx.tell: whoever has blocked the bot does not get the goods.
        await self._bot.send_message(result.user_id, "It is yours.")


def _refused(words: dict[str, str], reason: str) -> CheckoutRefused:
    return CheckoutRefused(Translated(words["en"], {"ru": words["ru"]}), reason=reason)
