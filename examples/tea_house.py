"""A tea house for Telegram Stars, written so that a test can open it: invitations, credits, discounts, the last pot, a club.

``examples/scenarios/*.scenario.yaml`` are played against it. BOT_TOKEN is what @BotFather gives you, OWNER_WORD what its owner
says after /owner. With TELEGRAM_API_URL=http://127.0.0.1:8082 it runs against `neonpay simulate` instead of Telegram.
Needs the extra `aiogram`.
"""

import asyncio
import os
import sys
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice, Message, PreCheckoutQuery

from neonpay import Invoice, NeonPayCore, PaymentContext, PaymentResult, PaymentStage, create_neonpay

COMMISSION_PERCENT = 3
MOST_PERCENT = 99
MONTH_S = 30 * 86_400
TIERS = {0: "Bronze", 100: "Silver", 500: "Gold", 1_000: "Platinum", 5_000: "Diamond"}
GREEN_TEAS = 50
MENU = {
    "credits": PaymentStage(title="100 credits", description="For teas to come", price=100),
    "pot": PaymentStage(title="Iron pot", description="For a lifetime of tea", price=100),
    "last": PaymentStage(title="The last cake", description="Pu-erh of 1998, there is one", price=50),
    **{
        f"green-{number}": PaymentStage(title=f"Green tea {number}", description="Fifty grams", price=10)
        for number in range(1, GREEN_TEAS + 1)
    },
}

tables = sa.MetaData()
guests = sa.Table(
    "tea_guests",
    tables,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("invited_by", sa.BigInteger),
)
credit_rows = sa.Table(
    "tea_credits",
    tables,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("guest_id", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.Integer, nullable=False),
    sa.Column("is_commission", sa.Boolean, nullable=False),
)
last_cake = sa.Table("tea_last_cake", tables, sa.Column("invoice_id", sa.Text, primary_key=True))


def open_tea_house(
    bot: Bot, *, database_url: str, owner_word: str = "", **options: Any
) -> tuple[Dispatcher, NeonPayCore]:
    """The handlers of the bot, and what sells through it."""
    dispatcher = Dispatcher()
    database = sa.create_engine(database_url)
    tables.create_all(database)
    neonpay = create_neonpay(bot, dispatcher=dispatcher, database_url=database_url, **options)
    for stage_id, stage in MENU.items():
        neonpay.create_payment_stage(stage_id, stage)
    add_guests(dispatcher, neonpay, database)
    add_counter(dispatcher, neonpay, owner_word)
    add_deliveries(neonpay, bot, database)
    add_club(dispatcher, bot)
    return dispatcher, neonpay


def add_guests(dispatcher: Dispatcher, neonpay: NeonPayCore, database: sa.Engine) -> None:
    """Who comes, by whose invitation, and what they have earned by it."""

    @dispatcher.message(CommandStart())
    async def welcome(message: Message, command: CommandObject, bot: Bot) -> None:
        guest_id, name = message.chat.id, message.chat.first_name or "A guest"
        inviter = (command.args or "").removeprefix("ref_")
        with database.begin() as connection:
            known = connection.execute(sa.select(guests.c.id).where(guests.c.id == guest_id)).first()
            invited_by = int(inviter) if inviter.isdigit() and int(inviter) != guest_id and known is None else None
            if known is None:
                connection.execute(guests.insert().values(id=guest_id, name=name, invited_by=invited_by))
        await message.answer(f"Welcome, {name}! Say /buy and what: credits, pot, last, green-1 to green-{GREEN_TEAS}.")
        if invited_by is not None:
            await bot.send_message(invited_by, f"New guest: {name} came by your invitation.")

    @dispatcher.message(Command("invite"))
    async def invite(message: Message, bot: Bot) -> None:
        username = (await bot.me()).username
        await message.answer(f"Your invitation: https://t.me/{username}?start=ref_{message.chat.id}")

    @dispatcher.message(Command("credits"))
    async def count(message: Message) -> None:
        has, earned = credits_of(database, message.chat.id)
        tier = next(name for least, name in reversed(TIERS.items()) if earned >= least)
        await message.answer(f"You have {has} credits, {earned} of them earned by invitations. Tier: {tier}.")


def credits_of(database: sa.Engine, guest_id: int) -> tuple[int, int]:
    """A guest's credits, and how many of them came from guests whom she or he invited."""
    earned = sa.case((credit_rows.c.is_commission, credit_rows.c.amount), else_=0)
    sums = sa.select(sa.func.sum(credit_rows.c.amount), sa.func.sum(earned)).where(credit_rows.c.guest_id == guest_id)
    with database.connect() as connection:
        has, commissions = connection.execute(sums).one()
    return has or 0, commissions or 0


def add_counter(dispatcher: Dispatcher, neonpay: NeonPayCore, owner_word: str) -> None:
    """What is bought, and for how much."""
    owners: set[int] = set()

    @dispatcher.message(Command("buy"))
    async def buy(message: Message, command: CommandObject) -> None:
        stage_id = command.args or ""
        if stage_id not in MENU:
            await message.answer("We have no such thing.")
            return
        full, now = MENU[stage_id].price, neonpay.get_payment_stage(stage_id)
        if now is not None and (price := now.price) < full:
            await message.answer(
                f"{MENU[stage_id].title}: {price} instead of {full} Stars, -{100 - 100 * price // full} %"
            )
        await neonpay.send_payment(message.chat.id, stage_id)

    @dispatcher.message(Command("owner"))
    async def own(message: Message, command: CommandObject) -> None:
        if owner_word and command.args == owner_word:
            owners.add(message.chat.id)
            await message.answer("Good morning.")

    @dispatcher.message(Command("discount"))
    async def discount(message: Message, command: CommandObject) -> None:
        which, _, percent = (command.args or "").partition(" ")
        if message.chat.id not in owners or not (percent.isdigit() and int(percent) <= MOST_PERCENT):
            await message.answer("Only the owner gives discounts: /discount green 30")
            return
        cheaper = [stage_id for stage_id in MENU if stage_id.startswith(which)]
        for stage_id in cheaper:
            price = max(1, MENU[stage_id].price * (100 - int(percent)) // 100)
            neonpay.remove_payment_stage(stage_id)
            neonpay.create_payment_stage(stage_id, replace(MENU[stage_id], price=price))
        await message.answer(f"{len(cheaper)} on the menu with {percent} % off.")


def add_deliveries(neonpay: NeonPayCore, bot: Bot, database: sa.Engine) -> None:
    """What a paid Star becomes."""

    @neonpay.on_pre_checkout
    def keep_the_last(invoice: Invoice) -> str | None:
        # One INSERT decides between two who press Pay in the same moment, in however many processes.
        if invoice.stage_id != "last":
            return None
        try:
            with database.begin() as connection:
                connection.execute(last_cake.insert().from_select(["invoice_id"], _unless_taken(invoice.invoice_id)))
                taken_by = connection.execute(sa.select(last_cake.c.invoice_id)).scalar_one()
        except sa.exc.DBAPIError:
            taken_by = None
        return None if taken_by == invoice.invoice_id else "Sorry, the last one was just sold."

    @neonpay.on_payment(stage="credits")
    def credit(result: PaymentResult, connection: sa.Connection) -> None:
        # In the transaction that records the payment: credited once, and never without the payment.
        connection.execute(
            credit_rows.insert().values(guest_id=result.user_id, amount=result.amount, is_commission=False)
        )
        inviter = connection.execute(sa.select(guests.c.invited_by).where(guests.c.id == result.user_id)).scalar()
        share = result.amount * COMMISSION_PERCENT // 100
        if inviter is not None:
            connection.execute(credit_rows.insert().values(guest_id=inviter, amount=share, is_commission=True))

    @neonpay.on_payment(stage="credits")
    async def tell_of_credit(result: PaymentResult, ctx: PaymentContext) -> None:
        with database.connect() as connection:
            name, inviter = connection.execute(
                sa.select(guests.c.name, guests.c.invited_by).where(guests.c.id == result.user_id)
            ).one()
        ctx.tell(f"{result.amount} credits are yours.")
        if inviter is not None:
            share = result.amount * COMMISSION_PERCENT // 100
            ctx.tell(f"{share} credits for you: {name} bought {result.amount}.", chat_id=inviter)

    @neonpay.on_payment(stage=[stage_id for stage_id in MENU if stage_id != "credits"])
    async def hand_over(result: PaymentResult, ctx: PaymentContext) -> None:
        title = "Your tea" if result.stage is None else result.stage.title
        ctx.tell(f"{title} is yours for {result.amount} Stars. Enjoy!")


def _unless_taken(invoice_id: str) -> sa.Select[Any]:
    return sa.select(sa.literal(invoice_id)).where(~sa.exists(sa.select(last_cake.c.invoice_id)))


def add_club(dispatcher: Dispatcher, bot: Bot) -> None:
    """A subscription that the bot sells by itself, beside neonpay."""

    @dispatcher.message(Command("club"))
    async def club(message: Message) -> None:
        price = [LabeledPrice(label="A month", amount=30)]
        link = await bot.create_invoice_link(
            title="Tea club", description="A tea every month", payload="club", currency="XTR", prices=price,
            subscription_period=MONTH_S,
        )  # fmt: skip
        join = InlineKeyboardButton(text="Join for 30 Stars", url=link)
        await message.answer("A new tea every month:", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[join]]))

    @dispatcher.pre_checkout_query()
    async def let_in(query: PreCheckoutQuery) -> None:
        await query.answer(ok=query.invoice_payload == "club", error_message="We do not know this invoice.")

    async def is_club(message: Message) -> bool:
        return message.successful_payment is not None and message.successful_payment.invoice_payload == "club"

    @dispatcher.message(is_club)
    async def send_tea(message: Message) -> None:
        paid = message.successful_payment
        first = paid is not None and paid.is_first_recurring
        await message.answer("Welcome to the club!" if first else "Your tea of the month is on its way.")


async def main() -> None:
    """Run the tea house of the environment."""
    token = os.environ.get("BOT_TOKEN") or sys.exit(
        "Set BOT_TOKEN to the bot's token. `neonpay simulate` prints one to try."
    )
    api = TelegramAPIServer.from_base(os.environ.get("TELEGRAM_API_URL", "https://api.telegram.org"))
    bot = Bot(token, session=AiohttpSession(api=api))
    word = os.environ.get("OWNER_WORD", "")
    dispatcher, _ = open_tea_house(bot, database_url="sqlite:///tea_house.db", owner_word=word)
    await dispatcher.start_polling(bot)


if __name__ == "__main__":
    asyncio.run(main())
