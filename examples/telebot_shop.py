"""A small shop for Telegram Stars on pyTelegramBotAPI: three things for sale, each delivered once in a way of its own.

BOT_TOKEN is what @BotFather gives you, ADMIN_ID the user who may refund. With TELEGRAM_API_URL=http://127.0.0.1:8082 the
shop runs against `neonpay simulate` instead of Telegram. Needs the extra `telebot`.
"""

import os
import secrets
import sys

import sqlalchemy as sa
from telebot import TeleBot, apihelper
from telebot.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

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
apihelper.API_URL = os.environ.get("TELEGRAM_API_URL", "https://api.telegram.org") + "/bot{0}/{1}"
bot = TeleBot(TOKEN)
# One process serves this shop, so three seconds of silence mean that it died: the next one then takes up what is unfinished.
neonpay = create_neonpay(bot, database_url=DATABASE_URL, lease_s=3)
for stage_id, stage in SHELF.items():
    neonpay.create_payment_stage(stage_id, stage)
# Telegram asks every shop to settle disputes under /paysupport, and for its terms.
neonpay.enable_support(admins=[ADMIN_ID] if ADMIN_ID else None, terms=TERMS)


def words_of(message: Message) -> str:
    """What follows the command."""
    return (message.text or "").partition(" ")[2]


@bot.message_handler(commands=["start", "buy"], chat_types=["private"])  # https://t.me/your_bot?start=coffee
def start(message: Message) -> None:
    """Show what is for sale, or send the invoice that a link or a command asks for."""
    if words_of(message) in SHELF:
        neonpay.sync.send_payment(message.chat.id, words_of(message))
        return
    rows = [[InlineKeyboardButton(f"{s.title} {s.price} ★", callback_data=name)] for name, s in SHELF.items()]
    bot.send_message(message.chat.id, "Welcome! What would you like?", reply_markup=InlineKeyboardMarkup(rows))


@bot.callback_query_handler(func=lambda press: press.data in SHELF)
def choose(press: CallbackQuery) -> None:
    """Send the invoice behind a button, once for every press."""
    bot.answer_callback_query(press.id)
    neonpay.sync.send_payment(press.from_user.id, str(press.data), idempotency_key=press.id)


@bot.message_handler(commands=["orders"], chat_types=["private"])
def orders(message: Message) -> None:
    """List what a buyer has paid for."""
    paid = neonpay.sync.payments.history(message.chat.id, limit=10)
    lines = [f"{p.paid_at:%d %b}: {p.stage_id}, {p.amount_stars} ★, {p.status}\n{p.charge_id}" for p in paid]
    bot.send_message(message.chat.id, "\n".join(lines) or "Nothing yet.")


@bot.message_handler(commands=["refund"], func=lambda message: message.chat.id == ADMIN_ID)
def refund(message: Message) -> None:
    """Give the Stars of a payment back; asking twice pays back once."""
    try:
        refunded = neonpay.sync.refund(words_of(message), reason="the buyer asked")
    except PaymentError as error:
        bot.send_message(message.chat.id, f"Not refunded: {error}")
    else:
        bot.send_message(message.chat.id, f"{refunded.amount_stars} ★ are back with user {refunded.user_id}.")


@neonpay.on_pre_checkout
def is_in_stock(invoice: Invoice) -> str | None:
    """Decline the checkout of what is sold out; the buyer reads the text, and no Stars move."""
    # Two who press Pay within the same second may both be let in; the one who gets no poster gets a /refund.
    with database.connect() as connection:
        sold = connection.execute(sa.select(sa.func.count()).where(goods.c.what == "poster")).scalar_one()
    return "Sorry, the poster is sold out." if invoice.stage_id == "poster" and sold >= POSTERS else None


@neonpay.on_payment(stage="coffee")
def serve(result: PaymentResult, ctx: PaymentContext) -> None:
    """The stamp commits together with the mark that this handler is done: both or neither."""
    ctx.enlist(goods.insert().values(what="stamp", user_id=result.user_id))
    ctx.tell(f"Your coffee is ready. Thank you for {result.amount} ★!")


@neonpay.on_payment(stage="game")
def unlock(result: PaymentResult, ctx: PaymentContext) -> None:
    """The key is made once and remembered: an attempt after a crash sends the same one."""
    key = ctx.step_sync("key", secrets.token_hex, 8)
    bot.send_message(result.user_id, f"Your key: {key}")


@neonpay.on_payment(stage="poster")
def reserve(result: PaymentResult, connection: sa.Connection) -> None:
    """A plain function with a connection writes in the very transaction that records the payment."""
    connection.execute(goods.insert().values(what="poster", user_id=result.user_id))


@neonpay.on_payment(stage="poster")
def ship(result: PaymentResult, ctx: PaymentContext) -> None:
    """A payment may have any number of handlers, each with attempts of its own."""
    ctx.tell("The poster is yours. It is on its way.")


if __name__ == "__main__":
    with neonpay.sync:  # opens the ledger, and finishes what runs at the end
        bot.infinity_polling()
