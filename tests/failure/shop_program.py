"""A shop in a process of its own, to be killed.

``python shop_program.py`` is a nursery: it has imported everything, reads one line of JSON settings after the other, and
forks a shop for each, so that a shop is up in the time of a fork. It prints ``started <pid>`` and, when that shop is
gone, ``ended <wait status>``.

A shop dies by SIGKILL at the first point of its life that is called ``crash_at``, or at its ``fuse``-th point. Points are the
seams that any program has: its own handlers and middlewares, the clock it passes in, its Bot API calls, its SQL.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from aiogram import BaseMiddleware, Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandObject
from aiogram.methods.base import Response
from aiogram.types import Message, TelegramObject, Update, User

import neonpay.adapters.aiogram
import neonpay.ledger.postgresql  # noqa: F401 - loaded once here, not once per shop
from neonpay import PaymentContext, PaymentResult, PaymentStage, create_neonpay
from neonpay.core.clock import SystemClock

EFFECTS = sa.Table("shop_effects", sa.MetaData(), sa.Column("what", sa.Text), sa.Column("charge_id", sa.Text))
"""What the shop does in its database for a payment. Nothing in it is unique, so that doing it twice shows."""
SESSION = AiohttpSession()
"""Made before the first fork, because reading the certificates of TLS takes longer than all else that a shop does to start."""


@dataclass(frozen=True)
class Settings:
    """One life of the shop.

    Attributes:
        ahead_s: how far its clock runs ahead, so that the leases of the life before have run out.
        crash_at: name of the point at which it dies, or None.
        fuse: number of the point at which it dies, or None.
        repeat: what a second payment of an invoice means.
        handle_as_tasks: aiogram's default: Telegram is told that an update has arrived before anybody has looked at it.
    """

    token: str
    base_url: str
    database_url: str
    ahead_s: float = 0.0
    crash_at: str | None = None
    fuse: int | None = None
    repeat: str = "again"
    handle_as_tasks: bool = False


class Fate:
    """Kills the process when its time has come; a ledger thread may be the one that reaches the point."""

    def __init__(self, settings: Settings) -> None:
        self._crash_at = settings.crash_at
        self._left = settings.fuse

    def reach(self, point: str) -> None:
        if self._left is not None:
            self._left -= 1
        if point == self._crash_at or self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class ClockAhead:
    def __init__(self, fate: Fate, ahead_s: float) -> None:
        self._fate, self._ahead_us, self._system = fate, int(ahead_s * 1_000_000), SystemClock()

    def now_us(self) -> int:
        self._fate.reach("clock")
        return self._system.now_us() + self._ahead_us


class AroundUpdates(BaseMiddleware):
    """Stands outside neonpay's own middleware."""

    def __init__(self, fate: Fate, *, waits_for_confirmation: bool) -> None:
        self._fate = fate
        self._waits_for_confirmation = waits_for_confirmation
        self.after_update: Callable[[], Awaitable[None]]

    async def __call__(
        self, handler: Callable[..., Awaitable[Any]], event: TelegramObject, data: dict[str, Any]
    ) -> object:
        is_payment = isinstance(event, Update) and event.message is not None and event.message.successful_payment
        if is_payment:
            self._fate.reach("payment received")
            while self._waits_for_confirmation and (await data["bot"].get_webhook_info()).pending_update_count:
                pass
            self._fate.reach("payment confirmed")
        outcome = await handler(event, data)
        if is_payment:
            self._fate.reach("payment recorded")
            await self.after_update()
            self._fate.reach("payment delivered")
        return outcome


class AroundCalls(BaseRequestMiddleware):
    def __init__(self, fate: Fate) -> None:
        self._fate = fate

    async def __call__(self, make_request: Any, bot: Bot, method: Any) -> Any:
        self._fate.reach(f"before {method.__api_method__}")
        answer = await make_request(bot, method)
        self._fate.reach(f"after {method.__api_method__}")
        return answer


def _stand_outside(dispatcher: Dispatcher, middleware: BaseMiddleware) -> None:
    """Put a middleware in front of neonpay's own, which makes itself the first one."""
    registered = dispatcher.update.outer_middleware
    others = list(registered)
    for other in others:
        registered.unregister(other)
    for each in (middleware, *others):
        registered.register(each)


async def run(settings: Settings) -> None:
    fate = Fate(settings)
    SESSION.api = TelegramAPIServer.from_base(settings.base_url)
    bot = Bot(settings.token, session=SESSION)
    bot.session.middleware(AroundCalls(fate))
    dispatcher = Dispatcher()
    around = AroundUpdates(fate, waits_for_confirmation=settings.crash_at == "payment confirmed")
    neonpay = create_neonpay(
        bot,
        dispatcher=dispatcher,
        database_url=settings.database_url,
        thank_you_message="Thank you!",
        messages_per_s=None,
        clock=ClockAhead(fate, settings.ahead_s),
        poll_s=0.1,
    )
    around.after_update = neonpay.drain
    _stand_outside(dispatcher, around)
    neonpay.create_payment_stage(
        "vip", PaymentStage(title="VIP", description="A month of VIP", price=5, repeat=settings.repeat)
    )

    @sa.event.listens_for(sa.Engine, "after_cursor_execute")
    def _after_statement(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        fate.reach("statement")
        if "shop_effects" in statement and "delivered" in str(parameters):
            fate.reach("enlisted statement executed")

    @neonpay.on_payment(name="credit")
    def credit(result: PaymentResult, connection: sa.Connection) -> None:
        connection.execute(sa.insert(EFFECTS).values(what="credited", charge_id=result.transaction_id))
        fate.reach("inside the recording transaction")

    @neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        async def tell(word: str) -> None:
            await bot.send_message(result.user_id, f"{word} {result.transaction_id}")
            fate.reach(f"{word}, not remembered")

        fate.reach("before the handler")
        await ctx.step("reserve", tell, "reserved")
        fate.reach("between steps")
        await ctx.step("ship", tell, "shipped")
        ctx.enlist(sa.insert(EFFECTS), {"what": "delivered", "charge_id": result.transaction_id})
        fate.reach("before the done marker")

    @dispatcher.message(Command("buy"))
    async def buy(message: Message) -> None:
        await neonpay.send_payment(message.chat.id, "vip", idempotency_key=f"buy {message.message_id}")

    @dispatcher.message(Command("refund"))
    async def refund(message: Message, command: CommandObject) -> None:
        await neonpay.refund(command.args or "")
        await message.answer("refunded")

    await dispatcher.start_polling(bot, handle_as_tasks=settings.handle_as_tasks)


def nursery() -> None:
    for answer in (User, Message, list[Update], bool, Any):
        Response[answer]  # aiogram builds these models when it first needs them
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            asyncio.run(run(Settings(**json.loads(line))))
            os._exit(0)
        sys.stdout.write(f"started {pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"ended {status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    nursery()
