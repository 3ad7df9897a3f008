"""A small shop for Telegram Stars: three things for sale, each delivered once in a way of its own.

BOT_TOKEN is what @BotFather gives you, ADMIN_ID the user who may refund. With TELEGRAM_API_URL=http://127.0.0.1:8082 the
shop runs against `neonpay simulate` instead of Telegram. Needs the extra `aiogram`.
"""

import asyncio
import os
import secrets
import sys

import sqlalchemy as sa
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from neonpay import Invoice, PaymentContext, PaymentError, PaymentResult, PaymentStage, create_neonpay

TOKEN = os.environ.get("BOT_TOKEN") or sys.exit(
    "Set BOT_TOKEN to the bot's token. `neonpay simulate` prints one to try."
)
ADMIN_ID = int(os.environ.get("ADMIN_ID", "0"))
DATABASE_URL = "sqlite:///shop.db"
POSTERS = 1
TERMS = "Goods are delivered at once. What you do not get, you get your Stars back for: /paysupport"
SHELF = {
    "coffee": PaymentStage(title="Coffee", description="A cup of coffee and a stamp on your card", price=5),
    "game": PaymentStage(title="Game", description="A key that opens the game", price=25),
    "poster": PaymentStage(title="Poster", description="Printed once and signed", price=50, max_payments=1),
}

database = sa.create_engine(DATABASE_URL)
goods = sa.Table(
    "shop_goods",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("what", sa.Text),
    sa.Column("user_id", sa.BigInteger),
)
goods.create(database, checkfirst=True)
api = TelegramAPIServer.from_base(os.environ.get("TELEGRAM_API_URL", "https://api.telegram.org"))
bot = Bot(TOKEN, session=AiohttpSession(api=api))
dispatcher = Dispatcher()
dispatcher.message.filter(F.chat.type == "private")
# One process serves this shop, so three seconds of silence mean that it died: the next one then takes up what is unfinished.
neonpay = create_neonpay(bot, dispatcher=dispatcher, database_url=DATABASE_URL, lease_s=3)
for stage_id, stage in SHELF.items():
    neonpay.create_payment_stage(stage_id, stage)
# Telegram asks every shop to settle disputes under /paysupport, and for its terms.
neonpay.enable_support(admins=[ADMIN_ID] if ADMIN_ID else None, terms=TERMS)


@dispatcher.message(CommandStart(deep_link=True))  # https://t.me/your_bot?start=coffee
@dispatcher.message(Command("buy"))
async def buy(message: Message, command: CommandObject) -> None:
    """Send the invoice that a link or a command asks for."""
    if command.args in SHELF:
        await neonpay.send_payment(message.chat.id, command.args)
    else:
        await message.answer(f"We have: {', '.join(SHELF)}.")


@dispatcher.message(CommandStart())
async def start(message: Message) -> None:
    """Show what is for sale."""
    rows = [[InlineKeyboardButton(text=f"{s.title} {s.price} ★", callback_data=name)] for name, s in SHELF.items()]
    await message.answer("Welcome! What would you like?", reply_markup=InlineKeyboardMarkup(inline_keyboard=rows))


@dispatcher.callback_query(F.data.in_(SHELF))
async def choose(callback: CallbackQuery) -> None:
    """Send the invoice behind a button, once for every press."""
    await callback.answer()
    await neonpay.send_payment(callback.from_user.id, str(callback.data), idempotency_key=callback.id)


@dispatcher.message(Command("orders"))
async def orders(message: Message) -> None:
    """List what a buyer has paid for."""
    paid = await neonpay.payments.history(message.chat.id, limit=10)
    lines = [f"{p.paid_at:%d %b}: {p.stage_id}, {p.amount_stars} ★, {p.status}\n{p.charge_id}" for p in paid]
    await message.answer("\n".join(lines) or "Nothing yet.")


@dispatcher.message(Command("refund"), F.from_user.id == ADMIN_ID)
async def refund(message: Message, command: CommandObject) -> None:
    """Give the Stars of a payment back; asking twice pays back once."""
    try:
        refunded = await neonpay.refund(command.args or "", reason="the buyer asked")
    except PaymentError as error:
        await message.answer(f"Not refunded: {error}")
    else:
        await message.answer(f"{refunded.amount_stars} ★ are back with user {refunded.user_id}.")


@neonpay.on_pre_checkout
def is_in_stock(invoice: Invoice) -> str | None:
    """Decline the checkout of what is sold out; the buyer reads the text, and no Stars move."""
    # Two who press Pay within the same second may both be let in; the one who gets no poster gets a /refund.
    with database.connect() as connection:
        sold = connection.execute(sa.select(sa.func.count()).where(goods.c.what == "poster")).scalar_one()
    return "Sorry, the poster is sold out." if invoice.stage_id == "poster" and sold >= POSTERS else None


@neonpay.on_payment(stage="coffee")
async def serve(result: PaymentResult, ctx: PaymentContext) -> None:
    """The stamp commits together with the mark that this handler is done: both or neither."""
    ctx.enlist(goods.insert().values(what="stamp", user_id=result.user_id))
    ctx.tell(f"Your coffee is ready. Thank you for {result.amount} ★!")


@neonpay.on_payment(stage="game")
async def unlock(result: PaymentResult, ctx: PaymentContext) -> None:
    """The key is made once and remembered: an attempt after a crash sends the same one."""
    key = await ctx.step("key", secrets.token_hex, 8)
    await bot.send_message(result.user_id, f"Your key: {key}")


@neonpay.on_payment(stage="poster")
def reserve(result: PaymentResult, connection: sa.Connection) -> None:
    """A plain function with a connection writes in the very transaction that records the payment."""
    connection.execute(goods.insert().values(what="poster", user_id=result.user_id))


@neonpay.on_payment(stage="poster")
async def ship(result: PaymentResult, ctx: PaymentContext) -> None:
    """A payment may have any number of handlers, each with attempts of its own."""
    ctx.tell("The poster is yours. It is on its way.")


if __name__ == "__main__":
    # handle_as_tasks=False: Telegram learns that a payment arrived when it is recorded, and not before.
    asyncio.run(dispatcher.start_polling(bot, handle_as_tasks=False))
