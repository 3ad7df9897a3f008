"""A small shop for Telegram Stars on Hydrogram: three things for sale, each delivered once in a way of its own.

BOT_TOKEN is what @BotFather gives you, API_ID and API_HASH are from https://my.telegram.org/apps, ADMIN_ID is the user who
may /refund. TELEGRAM_API_URL is the address of a Bot API server of your own, if you have one. Needs the extra `hydrogram`.
"""

import os
import secrets
import sys

import sqlalchemy as sa
from hydrogram import Client, enums, filters
from hydrogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from neonpay import Invoice, PaymentContext, PaymentError, PaymentResult, PaymentStage, create_neonpay

if missing := [name for name in ("BOT_TOKEN", "API_ID", "API_HASH") if not os.environ.get(name)]:
    sys.exit(f"Set {', '.join(missing)}, as the first lines of this file say.")
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
bot = Client(
    "shop",  # shop.session keeps the bot signed in
    api_id=int(os.environ["API_ID"]),
    api_hash=os.environ["API_HASH"],
    bot_token=os.environ["BOT_TOKEN"],
    workdir=".",
    parse_mode=enums.ParseMode.DISABLED,  # a charge id may look like formatting
)
# One process serves this shop, so three seconds of silence mean that it died: the next one then takes up what is unfinished.
neonpay = create_neonpay(bot, api_url=os.environ.get("TELEGRAM_API_URL"), database_url=DATABASE_URL, lease_s=3)
for stage_id, stage in SHELF.items():
    neonpay.create_payment_stage(stage_id, stage)
# Telegram asks every shop to settle disputes under /paysupport, and for its terms.
neonpay.enable_support(admins=[ADMIN_ID] if ADMIN_ID else None, terms=TERMS)


def chat_and_words(message: Message) -> tuple[int, str]:
    """The private chat that a command came from, and what was written after it."""
    assert message.chat is not None
    assert message.chat.id is not None
    return message.chat.id, " ".join((message.command or [])[1:])


@bot.on_message(filters.private & filters.command("buy"))
async def buy(_: Client, message: Message) -> None:
    """Send the invoice that a command asks for."""
    chat_id, words = chat_and_words(message)
    if words in SHELF:
        await neonpay.send_payment(chat_id, words)
    else:
        await message.reply(f"We have: {', '.join(SHELF)}.")


@bot.on_message(filters.private & filters.command("start"))
async def start(client: Client, message: Message) -> None:
    """Show what is for sale, or send the invoice that a link asks for: https://t.me/your_bot?start=coffee."""
    _, words = chat_and_words(message)
    if words:
        await buy(client, message)
        return
    rows = [[InlineKeyboardButton(f"{s.title} {s.price} ★", callback_data=name)] for name, s in SHELF.items()]
    await message.reply("Welcome! What would you like?", reply_markup=InlineKeyboardMarkup(rows))


@bot.on_callback_query(filters.regex(f"^({'|'.join(SHELF)})$"))
async def choose(_: Client, press: CallbackQuery) -> None:
    """Send the invoice behind a button, once for every press."""
    await press.answer()
    await neonpay.send_payment(press.from_user.id, str(press.data), idempotency_key=str(press.id))


@bot.on_message(filters.private & filters.command("orders"))
async def orders(_: Client, message: Message) -> None:
    """List what a buyer has paid for."""
    chat_id, _words = chat_and_words(message)
    paid = await neonpay.payments.history(chat_id, limit=10)
    lines = [f"{p.paid_at:%d %b}: {p.stage_id}, {p.amount_stars} ★, {p.status}\n{p.charge_id}" for p in paid]
    await message.reply("\n".join(lines) or "Nothing yet.")


@bot.on_message(filters.private & filters.command("refund") & filters.user(ADMIN_ID))
async def refund(_: Client, message: Message) -> None:
    """Give the Stars of a payment back; asking twice pays back once."""
    _chat_id, words = chat_and_words(message)
    try:
        refunded = await neonpay.refund(words, reason="the buyer asked")
    except PaymentError as error:
        await message.reply(f"Not refunded: {error}")
    else:
        await message.reply(f"{refunded.amount_stars} ★ are back with user {refunded.user_id}.")


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
    bot.run()
