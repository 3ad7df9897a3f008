"""Sessions that stand in for Telegram in other people's tests answer with aiogram's own objects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.types import Chat, ChatMemberMember, Message, User

from neonpay import PaymentStage, create_neonpay

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from aiogram.methods import TelegramMethod

ANN = User(id=7_000_001, is_bot=False, first_name="Ann")


class Double(BaseSession):
    """A session that answers whatever it is asked without a network."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:  # noqa: ASYNC109  # aiogram's own signature
        self.asked.append(method.__api_method__)
        if method.__api_method__ == "getChatAdministrators":
            return [ChatMemberMember(user=ANN)]
        chat = Chat(id=ANN.id, type="private", first_name="Ann")
        return Message(message_id=17, date=datetime(2026, 1, 2, tzinfo=UTC), chat=chat, from_user=ANN, text="hello")

    async def stream_content(self, *args: Any, **kwargs: Any) -> AsyncGenerator[bytes, None]:
        yield b""

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_session_that_answers_with_objects_is_understood(tmp_path: Path) -> None:
    session = Double()
    bot, dispatcher = Bot("42:TEST", session=session), Dispatcher()
    url = f"sqlite:///{tmp_path}/shop.db"
    neonpay = create_neonpay(bot, dispatcher=dispatcher, database_url=url, reconcile_every_s=None)
    neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=50))
    async with neonpay:
        invoice = await neonpay.send_payment(ANN.id, "vip")
        said = await neonpay.call("sendMessage", {"chat_id": ANN.id, "text": "hello"})
        members = await neonpay.call("getChatAdministrators", {"chat_id": ANN.id})
    assert (invoice.message_id, invoice.is_queued) == (17, False)
    assert isinstance(said, dict)
    assert (said["text"], said["from"]) == ("hello", {"id": ANN.id, "is_bot": False, "first_name": "Ann"})
    assert isinstance(members, list)
    assert [member["user"]["id"] for member in members] == [ANN.id]  # type: ignore[index,call-overload]
    assert session.asked == ["sendInvoice", "sendMessage", "getChatAdministrators"]
