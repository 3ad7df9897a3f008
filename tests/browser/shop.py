"""A shop on real aiogram: it sells through neonpay, and a subscription and a picture by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputPaidMediaPhoto,
    KeyboardButton,
    LabeledPrice,
    Message,
    PreCheckoutQuery,
    ReplyKeyboardMarkup,
)

from neonpay import Invoice, PaymentResult, PaymentStage, create_neonpay
from neonpay.simulator import BotAccount, Simulator

MONTH_S = 2_592_000
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000" "1f15c4890000000d49444154789c63b83873ee7f0006d802d9e57f57"
    "450000000049454e44ae426082"
)  # fmt: skip
"""A PNG of one pixel."""


class Shop:
    """Runs while it is entered.

    Attributes:
        refuses: what the bot answers to every checkout; None lets them through.
        may_answer: unset, a checkout waits for it.
    """

    def __init__(self, telegram: Simulator, account: BotAccount, database_url: str) -> None:
        api = TelegramAPIServer.from_base(telegram.base_url)
        self.telegram = telegram
        self.account = account
        self.bot = Bot(account.token, session=AiohttpSession(api=api))
        self.dispatcher = Dispatcher()
        self.refuses: str | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.neonpay = create_neonpay(
            self.bot, dispatcher=self.dispatcher, database_url=database_url, poll_s=0.01, reconcile_every_s=None
        )
        self._sell()
        self._running: asyncio.Future[None] | None = None
        self._handling: set[asyncio.Task[Any] | None] = set()
        self.dispatcher.update.outer_middleware(self._handle)

    async def _handle(self, handler: Any, event: Any, data: dict[str, Any]) -> Any:
        self._handling.add(asyncio.current_task())
        try:
            return await handler(event, data)
        finally:
            self._handling.discard(asyncio.current_task())

    def _sell(self) -> None:
        lessons = PaymentStage(title="Ten lessons", description="Ten minutes each. Yours for a year.", price=250)
        book = PaymentStage(title="Phrasebook", description="Words for a week in Lisbon.", price=75)
        self.neonpay.create_payment_stage("lessons", lessons)
        self.neonpay.create_payment_stage("book", book)
        self.neonpay.on_pre_checkout(self._check)
        self.neonpay.on_payment(self._deliver)
        handle = self.dispatcher.message
        handle.register(self._by_link, CommandStart(deep_link=True))
        handle.register(self._start, CommandStart())
        handle.register(self._buy, Command("buy"))
        handle.register(self._plus, Command("plus"))
        handle.register(self._mug, Command("mug"))
        handle.register(self._picture, Command("picture"))
        handle.register(self._back, Command("refund"))
        handle.register(self._size, F.text.in_({"Small", "Large"}))
        self.dispatcher.callback_query.register(self._choose, F.data.in_({"lessons", "book"}))
        self.dispatcher.callback_query.register(self._explain, F.data == "what")
        self.dispatcher.pre_checkout_query.register(self._allow, F.invoice_payload.in_({"plus", "mug"}))

    async def __aenter__(self) -> Self:
        commands = {"buy": "Buy ten lessons", "refund": "Get the last Stars back", "plus": "Subscribe"}
        await self.bot.set_my_commands([BotCommand(command=name, description=said) for name, said in commands.items()])
        started = asyncio.Event()
        self.dispatcher.startup.register(_setter(started))
        self._running = asyncio.ensure_future(
            self.dispatcher.start_polling(self.bot, handle_signals=False, close_bot_session=False)
        )
        await started.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.may_answer.set()
        assert self._running is not None
        await self.dispatcher.stop_polling()
        await self._running
        await self.neonpay.close()
        # aiogram waits for no handler that it has begun, and one that answers after the end would open connections anew.
        while at_work := [task for task in self._handling if task is not None]:
            await asyncio.wait(at_work)
        await self.bot.session.close()

    async def _check(self, invoice: Invoice) -> str | None:
        await self.may_answer.wait()
        return self.refuses

    async def _allow(self, query: PreCheckoutQuery) -> None:
        await query.answer(ok=True)

    async def _deliver(self, result: PaymentResult) -> None:
        await self.bot.send_message(result.user_id, "Thank you. It is yours.")

    async def _start(self, message: Message) -> None:
        rows = [
            [
                InlineKeyboardButton(text="Ten lessons", callback_data="lessons"),
                InlineKeyboardButton(text="Phrasebook", callback_data="book"),
            ],
            [InlineKeyboardButton(text="What is this?", callback_data="what")],
        ]
        keyboard = InlineKeyboardMarkup(inline_keyboard=rows)
        await message.answer("<b>Hello.</b> See https://example.com or /buy", parse_mode="HTML", reply_markup=keyboard)

    async def _by_link(self, message: Message, command: CommandObject) -> None:
        await self.neonpay.send_payment(message.chat.id, str(command.args))

    async def _buy(self, message: Message) -> None:
        await self.neonpay.send_payment(message.chat.id, "lessons")

    async def _choose(self, callback: CallbackQuery) -> None:
        await callback.answer()
        await self.neonpay.send_payment(callback.from_user.id, str(callback.data))

    async def _explain(self, callback: CallbackQuery) -> None:
        await callback.answer("A shop for lessons.", show_alert=True)

    async def _plus(self, message: Message) -> None:
        link = await self.bot.create_invoice_link(
            title="Lumen Plus", description="Everything, every month.", payload="plus", currency="XTR",
            prices=[LabeledPrice(label="Plus", amount=120)], subscription_period=MONTH_S,
        )  # fmt: skip
        keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Subscribe", url=link)]])
        await message.answer("Everything, every month:", reply_markup=keyboard)

    async def _mug(self, message: Message) -> None:
        prices = [LabeledPrice(label="Mug", amount=1000), LabeledPrice(label="Post", amount=450)]
        await message.answer_invoice("Mug", "With our name.", "mug", "USD", prices, provider_token="1:TEST:2")

    async def _picture(self, message: Message) -> None:
        photo = InputPaidMediaPhoto(media=BufferedInputFile(PICTURE, "sunrise.png"))
        await self.bot.send_paid_media(message.chat.id, 30, [photo], caption="Sunrise", payload="sunrise")
        sizes = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Small"), KeyboardButton(text="Large")]])
        await message.answer("Which size?", reply_markup=sizes)

    async def _size(self, message: Message) -> None:
        await message.answer(f"{message.text} it is.")

    async def _back(self, message: Message) -> None:
        (payment,) = await self.neonpay.payments.history(message.chat.id, limit=1)
        await self.neonpay.refund(payment.charge_id, reason="asked for")


def _setter(event: asyncio.Event) -> Callable[[], None]:
    """A plain function, which is all that aiogram looks into."""

    def set_it() -> None:
        event.set()

    return set_it
