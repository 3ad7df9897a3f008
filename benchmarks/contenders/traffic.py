"""What all contenders have in common: the same updates, the same answers of Telegram, the same clock.

Telegram is played inside the process and answers every call at once, so that what is measured is the bot and not a network.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.base import BaseSession
from aiogram.methods import TelegramMethod
from aiogram.types import Message, User

T = TypeVar("T")

PRICE_STARS = 25
_TOGETHER = 50
_BURSTS = 10
"""How often contender and bare aiogram take turns in one run."""
_FIRST_USER_ID = 1000
_TOKEN = "42:" + "a" * 35
_PAID_AT_S = 1_790_000_000


@dataclass(frozen=True, slots=True)
class Task:
    """What a contender is asked to do.

    Attributes:
        updates: paid updates that are measured.
        warm_up: paid updates before them that are not.
        in_flight: how many the host has under way at the same time.
        folder: an empty folder for a database.
    """

    updates: int
    warm_up: int
    in_flight: int
    folder: Path

    @classmethod
    def from_command_line(cls) -> Task:
        """The task that ``paid_updates.py`` gave this process."""
        parser = argparse.ArgumentParser()
        parser.add_argument("updates", type=int)
        parser.add_argument("warm_up", type=int)
        parser.add_argument("in_flight", type=int)
        parser.add_argument("folder", type=Path)
        return cls(**vars(parser.parse_args()))

    @property
    def buyers(self) -> list[int]:
        """One user per payment; neonpay 2.6.0 takes only so many payments of one user in an hour."""
        return list(range(_FIRST_USER_ID, _FIRST_USER_ID + self.warm_up + self.updates))


class LocalSession(BaseSession):
    """Answers every Bot API call at once."""

    def __init__(self) -> None:
        super().__init__()
        self._message_ids = itertools.count(1)

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:  # noqa: ASYNC109  # the signature is aiogram's
        """The result of a method; what sends a message gets one, and everything else is true."""
        name = type(method).__name__
        if name == "GetMe":
            return User(id=bot.id, is_bot=True, first_name="Bench", username="bench_bot")
        if name.startswith("Send"):
            chat_id: int = getattr(method, "chat_id")  # noqa: B009  # methods without a model of their own have it as an extra
            return {
                "message_id": next(self._message_ids),
                "date": _PAID_AT_S,
                "chat": {"id": chat_id, "type": "private"},
            }
        return True

    async def stream_content(self, *_args: Any, **_kwargs: Any) -> AsyncGenerator[bytes, None]:
        """No file is ever asked for."""
        yield b""

    async def close(self) -> None:
        """Nothing is open."""


def local_bot() -> Bot:
    """A bot whose Telegram is in this process."""
    return Bot(_TOKEN, session=LocalSession())


def charge_id(user_id: int) -> str:
    """The charge of a buyer, as long as Telegram's own are."""
    return f"stx{user_id:0>40d}"


def paid_update(user_id: int, payload: str) -> dict[str, Any]:
    """Telegram's update that a buyer has paid, as it comes out of the JSON of ``getUpdates``."""
    return {
        "update_id": user_id,
        "message": {
            "message_id": user_id,
            "date": _PAID_AT_S,
            "chat": {"id": user_id, "type": "private", "first_name": "Buyer"},
            "from": {"id": user_id, "is_bot": False, "first_name": "Buyer", "language_code": "en"},
            "successful_payment": {
                "currency": "XTR",
                "total_amount": PRICE_STARS,
                "invoice_payload": payload,
                "telegram_payment_charge_id": charge_id(user_id),
                "provider_payment_charge_id": f"{user_id}_1",
            },
        },
    }


class Deliveries:
    """Counts what the contender's handler has delivered."""

    def __init__(self) -> None:
        self.count = 0
        self._awaited = 0
        self._reached = asyncio.Event()

    def deliver(self) -> None:
        """Hand over the goods of one payment."""
        self.count += 1
        if self.count == self._awaited:
            self._reached.set()

    async def reach(self, count: int) -> None:
        """Wait until so many payments are delivered."""
        self._awaited = count
        if self.count < count:
            self._reached.clear()
            await self._reached.wait()


async def measure(
    task: Task,
    bot: Bot,
    dispatcher: Dispatcher,
    payloads: Sequence[str],
    settled: Callable[[int], Awaitable[None]],
) -> dict[str, float]:
    """Have every buyer pay, those of the warm-up first; how long the rest took, in seconds.

    Bare aiogram gets every update of the rest as well, burst by burst in turns with the contender. A shared machine may run
    at half its speed a second later; the ratio of two bursts beside each other stays what it is. Each burst is made right
    before it is fed, as a host parses what it has just received: an update that left the processor's caches costs a fifth more.

    Args:
        payloads: the invoice payload of each buyer.
        settled: waits until so many payments are delivered, and the contender has written what it writes about them.

    Returns:
        ``wall_s`` and ``cpu_s`` (all threads) of the contender, and ``bare_cpu_s`` of bare aiogram.
    """
    bare_bot, bare = local_bot(), _bare_aiogram()
    paid = list(zip(task.buyers, payloads, strict=True))
    await _feed(bare_bot, bare, _updates(paid[: task.warm_up]), task.in_flight)
    await _feed(bot, dispatcher, _updates(paid[: task.warm_up]), task.in_flight)
    await settled(task.warm_up)
    times = {"wall_s": 0.0, "cpu_s": 0.0, "bare_cpu_s": 0.0}

    async def feed_bare(burst: list[tuple[int, str]]) -> None:
        updates = _updates(burst)
        cpu_s = time.process_time()
        await _feed(bare_bot, bare, updates, task.in_flight)
        times["bare_cpu_s"] += time.process_time() - cpu_s

    async def feed_contender(burst: list[tuple[int, str]], until: int) -> None:
        updates = _updates(burst)
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        await _feed(bot, dispatcher, updates, task.in_flight)
        await settled(until)
        times["wall_s"] += time.perf_counter() - wall_s
        times["cpu_s"] += time.process_time() - cpu_s

    size = max(1, task.updates // _BURSTS)
    for number, start in enumerate(range(task.warm_up, len(paid), size)):
        burst = paid[start : start + size]
        bare_first = number % 2 == 0
        if bare_first:
            await feed_bare(burst)
        await feed_contender(burst, start + len(burst))
        if not bare_first:
            await feed_bare(burst)
    return times


def _bare_aiogram() -> Dispatcher:
    dispatcher, goods = Dispatcher(), Deliveries()

    @dispatcher.message(F.successful_payment)
    async def deliver(_message: Message) -> None:
        goods.deliver()

    return dispatcher


def _updates(paid: Iterable[tuple[int, str]]) -> list[dict[str, Any]]:
    made = [paid_update(user_id, payload) for user_id, payload in paid]
    # What the benchmark itself keeps is no garbage of the contender's, and is not looked through at its expense.
    gc.collect()
    gc.freeze()
    return made


async def _feed(bot: Bot, dispatcher: Dispatcher, updates: list[dict[str, Any]], in_flight: int) -> None:
    waiting = iter(updates)

    async def host() -> None:
        for update in waiting:
            await dispatcher.feed_raw_update(bot, update)

    await asyncio.gather(*[host() for _ in range(in_flight)])


async def together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """The results of many calls, a few dozen under way at a time; for what is prepared before the clock starts."""
    results: list[T] = []
    waiting = iter(calls)
    while part := list(itertools.islice(waiting, _TOGETHER)):
        results += await asyncio.gather(*part)
    return results


async def at_once(_count: int) -> None:
    """For contenders that have delivered by the time the host gets the update back."""


def report(task: Task, times: dict[str, float], *, delivered: int) -> None:
    """Tell ``paid_updates.py`` how it went; ``delivered`` counts the warm-up too."""
    print(json.dumps({**times, "n": task.updates, "delivered": delivered - task.warm_up}))
