"""A shop for ``seen_beside_sales.py``: is told of so many updates a second, sells, and says what became of the updates."""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime
from time import perf_counter

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Chat, Message, Update, User
from traffic import PRICE_STARS, together

from neonpay import PaymentResult, PaymentStage, create_neonpay
from neonpay.adapters._common.seeing import tell_of
from neonpay.core.clock import SystemClock
from neonpay.tracking import Tracking
from neonpay.tracking.buffer import SoftBuffer

_PEOPLE = 5_000
_EVERY_S = 0.01


class _Sink(Tracking):
    """What an adapter hands over to, as far as this is concerned."""

    def count_into(self, buffer: SoftBuffer) -> None:
        super().count_into(buffer)
        self.buffer = buffer


async def main(arguments: argparse.Namespace) -> None:
    """Sell."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(arguments.base_url))
    bot, dispatcher = Bot(arguments.token, session=session), Dispatcher()
    neonpay = create_neonpay(
        bot,
        dispatcher=dispatcher,
        database_url=arguments.database_url,
        enable_logging=False,
        messages_per_s=None,
        reconcile_every_s=None,
    )
    neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=PRICE_STARS))
    tracking = _Sink()
    neonpay.use(tracking)

    @neonpay.on_payment
    async def deliver(_result: PaymentResult) -> None:
        """Nothing to hand over."""

    offers = await together(neonpay.create_payment_link("vip") for _ in range(arguments.buyers))
    print(json.dumps({"links": [offer.link or "" for offer in offers]}), flush=True)
    seeing = asyncio.ensure_future(_see(tracking, neonpay.program.adapter.bot_id, arguments.per_s))
    await dispatcher.start_polling(bot, handle_as_tasks=True)
    seeing.cancel()
    told, took_s = await seeing
    await neonpay.close()
    await bot.session.close()
    buffer = tracking.buffer
    # What was told after the shop had closed waits for ever.
    became = {"told": told - len(buffer), "took_s": took_s, "written": buffer.written, "shed": buffer.shed}
    print(json.dumps(became), flush=True)


async def _see(tracking: _Sink, bot_id: int, per_s: int) -> tuple[int, float]:
    """Tell of updates until somebody stops it; how many, and how long the telling itself took."""
    clock, told, took_s = SystemClock(), 0, 0.0
    began_s = perf_counter()
    updates = [_update(number) for number in range(_PEOPLE)] if per_s else []
    try:
        while True:
            due = int((perf_counter() - began_s) * per_s) - told
            at_s = perf_counter()
            for number in range(told, told + due):
                tell_of(tracking, bot_id, updates[number % _PEOPLE], clock)  # type: ignore[arg-type]  # the part that is used
            took_s += perf_counter() - at_s
            told += due
            await asyncio.sleep(_EVERY_S)
    except asyncio.CancelledError:
        return told, took_s


def _update(number: int) -> Update:
    person = User(id=10_000 + number, is_bot=False, first_name="Ann", language_code="en")
    message = Message(
        message_id=number,
        date=datetime.fromtimestamp(0, UTC),
        chat=Chat(id=person.id, type="private"),
        from_user=person,
        text="hello",
    )
    return Update(update_id=number, message=message)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("token")
    parser.add_argument("database_url")
    parser.add_argument("buyers", type=int)
    parser.add_argument("per_s", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
