"""A bot that sells coffee for Telegram Stars."""

import sys
from os import environ

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart
from aiogram.types import Message

from neonpay import PaymentContext, PaymentResult, PaymentStage, create_neonpay

token = environ.get("BOT_TOKEN") or sys.exit("Set BOT_TOKEN to the bot's token. `neonpay simulate` prints one to try.")
api = TelegramAPIServer.from_base(environ.get("TELEGRAM_API_URL", "https://api.telegram.org"))
bot, dispatcher = Bot(token, session=AiohttpSession(api=api)), Dispatcher()
neonpay = create_neonpay(bot, dispatcher=dispatcher)
neonpay.create_payment_stage("coffee", PaymentStage(title="Coffee", description="A cup of coffee", price=5))


@dispatcher.message(CommandStart())
async def start(message: Message) -> None:
    await neonpay.send_payment(message.chat.id, "coffee")


@neonpay.on_payment
async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
    ctx.tell(f"Your coffee is ready. Thank you for {result.amount} Stars!")


dispatcher.run_polling(bot, handle_as_tasks=False)
