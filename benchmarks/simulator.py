"""Whole purchases per second in the simulator: write, invoice, pre-checkout, payment, thanks.

Bot and simulator run in this process and in one event loop; the bot is real aiogram with plain handlers. ``bare`` is the part
of that which is aiogram's own: the same three updates fed to the same handlers, each call answered with a text made before.
The ways take turns, ten purchases each, and processor time is what counts, so that what else the machine does weighs little:
on a core of one's own it is the time on the wall, as nothing here waits for anything. The ratios say more than figures: medians
of all turns, with an interval that holds the true median in 95 of 100 such runs.

    python benchmarks/simulator.py             # under a minute
    python benchmarks/simulator.py --quick     # proves that everything runs
    python benchmarks/simulator.py --steps     # instructions of the interpreter instead, which no other process disturbs
    python benchmarks/simulator.py --profile in_process
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import inspect
import json
import pstats
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from types import FrameType
from typing import Any, Final

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import LabeledPrice, Message, PreCheckoutQuery, Update, User
from intervals import interval

from neonpay.simulator import BotAccount, Simulator
from neonpay.simulator.clients.aiogram import hold_answer_model

TARGETS: Final = {"in_process": 500, "http": 150}
"""Purchases a second that the project has promised itself on one core of a desktop machine."""
WAYS: Final = ("bare", "in_process", "http")
_PRICE: Final = 5
_TURN: Final = 10
"""Purchases of one way, before the next one has its turn."""
_ANSWERS: Final = [hold_answer_model(kind) for kind in (User, Message, list[Update], bool)]
"""aiogram makes these models again and again if nobody holds them; that is its own time, and would drown the rest."""
Purchase = Callable[[], Awaitable[None]]
TraceFunction = Callable[[FrameType, str, Any], Any]


def shop() -> Dispatcher:
    """A bot that sells one thing."""
    dispatcher = Dispatcher()

    # Not F.text: aiogram asks a filter that is no coroutine in a thread, and threads are not what is measured here.
    async def is_paid(message: Message) -> bool:
        return message.successful_payment is not None

    @dispatcher.message(is_paid)
    async def thank(message: Message) -> None:
        await message.answer("Thank you!")

    @dispatcher.message(Command("buy"))
    async def sell(message: Message) -> None:
        prices = [LabeledPrice(label="Tea", amount=_PRICE)]
        await message.answer_invoice(title="Tea", description="A cup", payload="tea", currency="XTR", prices=prices)

    @dispatcher.pre_checkout_query()
    async def approve(query: PreCheckoutQuery) -> None:
        await query.answer(ok=True)

    return dispatcher


@asynccontextmanager
async def simulated(way: str) -> AsyncIterator[Purchase]:
    """Purchases in a simulator that the bot polls."""
    async with Simulator(seed=1) as telegram:
        account, dispatcher = telegram.bot("shop_bot"), shop()
        bot = telegram.aiogram_bot(account) if way == "in_process" else _http_bot(telegram, account)
        polling = asyncio.create_task(
            dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False, polling_timeout=50)
        )
        await telegram.until(lambda: telegram.polling(account))

        async def purchase() -> None:
            buyer = telegram.user(stars=_PRICE)
            await buyer.says("/buy", to=account)
            outcome = await buyer.pays(await buyer.hears(account))
            thanks = await buyer.hears(account)
            assert (outcome.status, buyer.stars, thanks.text) == ("paid", 0, "Thank you!")

        try:
            yield purchase
        finally:
            await dispatcher.stop_polling()
            await polling
            await bot.session.close()


@asynccontextmanager
async def bare() -> AsyncIterator[Purchase]:
    """The same updates and calls, as one purchase in a simulator made them, without the simulator."""
    async with Simulator(seed=1) as telegram:
        account, dispatcher = telegram.bot("shop_bot"), shop()
        bot, answers = telegram.aiogram_bot(account), {}
        async with telegram.feeding(account, lambda update: dispatcher.feed_raw_update(bot, dict(update))):
            buyer = telegram.user(stars=_PRICE)
            await buyer.says("/buy", to=account)
            await buyer.pays(await buyer.hears(account))
            await buyer.hears(account)
        updates = [json.dumps(update.body) for update in telegram.updates(account)]
        for call in telegram.calls():
            answers[call.method + str(call.params.get("text"))] = json.dumps({"ok": True, "result": call.result})
        token = account.token
    deaf = Bot(token, session=CannedSession(answers))
    again = shop()

    async def purchase() -> None:
        for update in updates:
            await again.feed_raw_update(deaf, json.loads(update))

    yield purchase


class CannedSession(BaseSession):
    """Does all that aiogram does for a call, and looks the answer up."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__()
        self._answers = answers

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's name
    ) -> TelegramType:
        """Write the parameters as for the wire, and read an answer."""
        values = method.model_dump(warnings=False).items()
        written = {name: self.prepare_value(value, bot=bot, files={}) for name, value in values}
        answer = self._answers[method.__api_method__ + str(written.get("text"))]
        return self.check_response(bot, method, 200, answer).result  # type: ignore[return-value]

    async def stream_content(self, *_args: Any, **_options: Any) -> AsyncGenerator[bytes, None]:
        """There are no files."""
        yield b""

    async def close(self) -> None:
        """There is nothing to close."""


def _http_bot(telegram: Simulator, account: BotAccount) -> Bot:
    return Bot(account.token, session=AiohttpSession(api=TelegramAPIServer.from_base(telegram.base_url)))


async def measure(purchases: int) -> dict[str, list[float]]:
    """Seconds of processor time per purchase, of each turn of each way."""
    took_s: dict[str, list[float]] = {way: [] for way in WAYS}
    async with AsyncExitStack() as open_ways:
        ways = {way: await open_ways.enter_async_context(bare() if way == "bare" else simulated(way)) for way in WAYS}
        for purchase in ways.values():
            for _ in range(_TURN):
                await purchase()
        gc.collect()
        gc.freeze()  # what was loaded before is no garbage of a purchase
        for turn in range(purchases // _TURN):
            for way in WAYS[:: 1 if turn % 2 else -1]:
                began_s = time.process_time()
                for _ in range(_TURN):
                    await ways[way]()
                took_s[way].append((time.process_time() - began_s) / _TURN)
    return took_s


async def profiled(way: str, purchases: int) -> cProfile.Profile:
    """Where one way spends its time."""
    profile = cProfile.Profile()
    async with bare() if way == "bare" else simulated(way) as purchase:
        for _ in range(_TURN):
            await purchase()
        gc.collect()
        with profile:
            for _ in range(purchases):
                await purchase()
    return profile


async def count_steps(way: str, purchases: int = 10) -> float:
    """Instructions that the interpreter executes per purchase; what is written in C counts as one."""
    steps = 0

    def count(frame: FrameType, event: str, _argument: object) -> TraceFunction:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return count

    async with bare() if way == "bare" else simulated(way) as purchase:
        for _ in range(10):
            await purchase()
        frame = inspect.currentframe()
        while frame is not None:  # those that run already, the loop's among them, are asked one by one
            frame.f_trace, frame.f_trace_opcodes, frame = count, True, frame.f_back
        sys.settrace(count)
        for _ in range(purchases):
            await purchase()
        sys.settrace(None)
    return steps / purchases


def main() -> int:
    """Measure and print; 0 always, because a slow machine is no failure."""
    arguments = _arguments()
    if arguments.profile:
        profile = asyncio.run(profiled(arguments.profile, arguments.purchases))
        pstats.Stats(profile).sort_stats("tottime").print_stats(40).sort_stats("cumtime").print_stats("simulator")
        return 0
    if arguments.steps:
        steps = {way: asyncio.run(count_steps(way)) for way in WAYS}
        for way in WAYS:
            print(f"{way:12} {steps[way]:12,.0f} steps a purchase {steps[way] / steps['bare']:9.2f}x bare")
        return 0
    took_s = asyncio.run(measure(2 * _TURN if arguments.quick else arguments.purchases))
    print(f"{len(took_s['bare'])} turns of {_TURN} purchases")
    print(f"{'way':12} {'purchases/s':>12} {'over bare':>10} {'':15} {'target':>8}")
    for way in WAYS:
        target = f"{TARGETS[way]}/s" if way in TARGETS else ""
        ratios = [ours / alone for ours, alone in zip(took_s[way], took_s["bare"], strict=True)]
        low, high = interval(ratios)
        print(f"{way:12} {1 / median(took_s[way]):12,.0f} {median(ratios):9.2f}x  [{low:.2f}-{high:.2f}] {target:>11}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Whole purchases per second in the simulator.")
    parser.add_argument("--purchases", type=int, default=1000, help="of each way")
    parser.add_argument("--quick", action="store_true", help="two turns of each")
    parser.add_argument(
        "--steps", action="store_true", help="count instructions of the interpreter, and measure no time"
    )
    parser.add_argument("--profile", choices=WAYS, help="show where one way spends its time, and measure nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
