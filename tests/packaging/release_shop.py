"""A shop that is run by the package of an earlier release and by that of today: by webhook, on one ledger.

Arguments: the folder of the package, the socket to listen at, the database, and the name under which it says what it has
delivered. It writes ``open`` when it listens, and ends at SIGTERM.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandObject
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

import neonpay as package
from neonpay import NeonPayCore, PaymentResult, PaymentStage, create_neonpay

PRICE_STARS = 5


async def main(folder: str, socket_path: str, database_url: str, name: str) -> None:
    assert Path(package.__file__).is_relative_to(folder), package.__file__
    session = AiohttpSession(api=TelegramAPIServer.from_base(os.environ["TELEGRAM_API_URL"]))
    bot, dispatcher = Bot(os.environ["BOT_TOKEN"], session=session), Dispatcher()
    neonpay = create_neonpay(bot, dispatcher=dispatcher, database_url=database_url, reconcile_every_s=None)
    neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=PRICE_STARS))
    sells(neonpay, bot, dispatcher, name)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, handle_in_background=False).register(app, path="/hook")
    setup_application(app, dispatcher, bot=bot)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, socket_path).start()
    sys.stdout.write("open\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()


def sells(neonpay: NeonPayCore, bot: Bot, dispatcher: Dispatcher, name: str) -> None:
    @neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        await bot.send_message(result.user_id, f"{name} delivered {result.transaction_id}")

    @dispatcher.message(Command("buy"))
    async def buy(message: Message) -> None:
        await neonpay.send_payment(
            message.chat.id, "vip", idempotency_key=f"buy {message.chat.id} {message.message_id}"
        )

    @dispatcher.message(Command("refund"))
    async def refund(message: Message, command: CommandObject) -> None:
        await neonpay.refund(command.args or "")
        await message.answer(f"{name} refunded {command.args}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
