"""A small shop for Telegram Stars with no bot library, only a token: three things for sale, each delivered once.

BOT_TOKEN is what @BotFather gives you, ADMIN_ID the user who may refund. With TELEGRAM_API_URL=http://127.0.0.1:8082 the
shop runs against `neonpay simulate` instead of Telegram. Needs the extra `botapi`.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

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
# One process serves this shop, so three seconds of silence mean that it died: the next one then takes up what is unfinished.
neonpay = create_neonpay(TOKEN, api_url=os.environ.get("TELEGRAM_API_URL"), database_url=DATABASE_URL, lease_s=3)
for stage_id, stage in SHELF.items():
    neonpay.create_payment_stage(stage_id, stage)
# Telegram asks every shop to settle disputes under /paysupport, and for its terms.
neonpay.enable_support(admins=[ADMIN_ID] if ADMIN_ID else None, terms=TERMS)


async def say(chat_id: int, text: str, **more: Any) -> None:
    """Send a message."""
    await neonpay.call("sendMessage", {"chat_id": chat_id, "text": text, **more})


async def on_update(update: Mapping[str, Any]) -> None:
    """Everything that is not a payment of neonpay's: messages in private chats, and pressed buttons."""
    if "callback_query" in update:
        await choose(update["callback_query"])
    elif "text" in update.get("message", {}) and update["message"]["chat"]["type"] == "private":
        message = update["message"]
        command, _, words = message["text"].partition(" ")
        await COMMANDS.get(command, start)(message["chat"]["id"], words)


async def start(chat_id: int, words: str) -> None:
    """Show what is for sale, or send the invoice that a link asks for: https://t.me/your_bot?start=coffee."""
    if words in SHELF:
        await neonpay.send_payment(chat_id, words)
        return
    rows = [[{"text": f"{s.title} {s.price} ★", "callback_data": name}] for name, s in SHELF.items()]
    await say(chat_id, "Welcome! What would you like?", reply_markup={"inline_keyboard": rows})


async def buy(chat_id: int, words: str) -> None:
    """Send the invoice that a command asks for."""
    if words in SHELF:
        await neonpay.send_payment(chat_id, words)
    else:
        await say(chat_id, f"We have: {', '.join(SHELF)}.")


async def choose(press: Mapping[str, Any]) -> None:
    """Send the invoice behind a button, once for every press."""
    await neonpay.call("answerCallbackQuery", {"callback_query_id": press["id"]})
    await neonpay.send_payment(press["from"]["id"], press["data"], idempotency_key=press["id"])


async def orders(chat_id: int, _words: str) -> None:
    """List what a buyer has paid for."""
    paid = await neonpay.payments.history(chat_id, limit=10)
    lines = [f"{p.paid_at:%d %b}: {p.stage_id}, {p.amount_stars} ★, {p.status}\n{p.charge_id}" for p in paid]
    await say(chat_id, "\n".join(lines) or "Nothing yet.")


async def refund(chat_id: int, words: str) -> None:
    """Give the Stars of a payment back; asking twice pays back once."""
    if chat_id != ADMIN_ID:
        return
    try:
        refunded = await neonpay.refund(words, reason="the buyer asked")
    except PaymentError as error:
        await say(chat_id, f"Not refunded: {error}")
    else:
        await say(chat_id, f"{refunded.amount_stars} ★ are back with user {refunded.user_id}.")


COMMANDS = {
    "/start": start,
    "/buy": buy,
    "/orders": orders,
    "/refund": refund,
}


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
    await say(result.user_id, f"Your key: {key}")


@neonpay.on_payment(stage="poster")
def reserve(result: PaymentResult, connection: sa.Connection) -> None:
    """A plain function with a connection writes in the very transaction that records the payment."""
    connection.execute(goods.insert().values(what="poster", user_id=result.user_id))


@neonpay.on_payment(stage="poster")
async def ship(result: PaymentResult, ctx: PaymentContext) -> None:
    """A payment may have any number of handlers, each with attempts of its own."""
    ctx.tell("The poster is yours. It is on its way.")


if __name__ == "__main__":
    asyncio.run(neonpay.run_polling(on_update=on_update))
