"""A small shop for Telegram Stars on Telethon: three things for sale, each delivered once in a way of its own.

BOT_TOKEN is what @BotFather gives you, API_ID and API_HASH are from https://my.telegram.org/apps, ADMIN_ID is the user who
may /refund. TELEGRAM_API_URL is the address of a Bot API server of your own, if you have one. Needs the extra `telethon`.
"""

import asyncio
import os
import secrets
import sys

import sqlalchemy as sa
from telethon import Button, TelegramClient, events

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
TOKEN = os.environ["BOT_TOKEN"]
bot = TelegramClient("shop", int(os.environ["API_ID"]), os.environ["API_HASH"])  # shop.session keeps it signed in
bot.parse_mode = None  # a charge id may look like formatting
# One process serves this shop, so three seconds of silence mean that it died: the next one then takes up what is unfinished.
# Telethon does not keep the token that it signs in with, so neonpay gets it, too.
neonpay = create_neonpay(
    bot, bot_token=TOKEN, api_url=os.environ.get("TELEGRAM_API_URL"), database_url=DATABASE_URL, lease_s=3
)
for stage_id, stage in SHELF.items():
    neonpay.create_payment_stage(stage_id, stage)
# Telegram asks every shop to settle disputes under /paysupport, and for its terms.
neonpay.enable_support(admins=[ADMIN_ID] if ADMIN_ID else None, terms=TERMS)


def command(name: str, from_users: int | None = None) -> events.NewMessage:
    """A command in a private chat; what is written after it is the first group."""
    return events.NewMessage(
        incoming=True,
        from_users=from_users,
        pattern=rf"^/{name}(?:\s+(.+))?$",
        func=lambda event: event.is_private,
    )


@bot.on(command("buy"))
async def buy(event: events.NewMessage.Event) -> None:
    """Send the invoice that a command asks for."""
    words = event.pattern_match.group(1)
    if words in SHELF:
        await neonpay.send_payment(event.chat_id, words)
    else:
        await event.respond(f"We have: {', '.join(SHELF)}.")


@bot.on(command("start"))
async def start(event: events.NewMessage.Event) -> None:
    """Show what is for sale, or send the invoice that a link asks for: https://t.me/your_bot?start=coffee."""
    if event.pattern_match.group(1):
        await buy(event)
        return
    rows = [[Button.inline(f"{s.title} {s.price} ★", name)] for name, s in SHELF.items()]
    await event.respond("Welcome! What would you like?", buttons=rows)


@bot.on(events.CallbackQuery(pattern=f"^({'|'.join(SHELF)})$"))
async def choose(press: events.CallbackQuery.Event) -> None:
    """Send the invoice behind a button, once for every press."""
    await press.answer()
    await neonpay.send_payment(press.sender_id, press.data.decode(), idempotency_key=str(press.id))


@bot.on(command("orders"))
async def orders(event: events.NewMessage.Event) -> None:
    """List what a buyer has paid for."""
    paid = await neonpay.payments.history(event.chat_id, limit=10)
    lines = [f"{p.paid_at:%d %b}: {p.stage_id}, {p.amount_stars} ★, {p.status}\n{p.charge_id}" for p in paid]
    await event.respond("\n".join(lines) or "Nothing yet.")


@bot.on(command("refund", from_users=ADMIN_ID))
async def refund(event: events.NewMessage.Event) -> None:
    """Give the Stars of a payment back; asking twice pays back once."""
    try:
        refunded = await neonpay.refund(event.pattern_match.group(1) or "", reason="the buyer asked")
    except PaymentError as error:
        await event.respond(f"Not refunded: {error}")
    else:
        await event.respond(f"{refunded.amount_stars} ★ are back with user {refunded.user_id}.")


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


async def main() -> None:
    """Sign in, and sell until the program is stopped."""
    await bot.start(bot_token=TOKEN)
    await bot.run_until_disconnected()


if __name__ == "__main__":
    asyncio.run(main())
