"""aiogram's models of answers, of which pydantic forgets those that nobody holds."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.methods.base import Response, TelegramMethod
from aiogram.types import BotShortDescription

from neonpay import create_neonpay

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


class Reading(BaseSession):
    """A session without a network that asks for the model of each answer as aiogram's own do."""

    def __init__(self) -> None:
        super().__init__()
        self.models: list[weakref.ref[type]] = []

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:  # noqa: ASYNC109  # aiogram's own signature
        model = Response.__class_getitem__(method.__returning__)  # type: ignore[arg-type]
        self.models.append(weakref.ref(model))
        return BotShortDescription(short_description="A shop")

    async def stream_content(self, *args: Any, **kwargs: Any) -> AsyncGenerator[bytes, None]:
        yield b""

    async def close(self) -> None:
        """Nothing is open."""


class Pages:
    """An answer that pydantic knows nothing of."""


class ListPages(TelegramMethod[Pages]):
    """A method of a server of the host's own, asked through a session of its own."""

    __returning__ = Pages
    __api_method__ = "listPages"


class Own(Reading):
    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:  # noqa: ASYNC109  # aiogram's own signature
        return Pages()


async def test_a_method_of_the_hosts_own_with_an_answer_that_is_no_model_goes_through(tmp_path: Path) -> None:
    bot, dispatcher = Bot("42:TEST", session=Own()), Dispatcher()
    neonpay = create_neonpay(bot, dispatcher=dispatcher, database_url=f"sqlite:///{tmp_path}/shop.db")
    assert isinstance(await bot(ListPages()), Pages)
    await neonpay.close()


async def test_the_model_of_an_answer_is_made_once(tmp_path: Path) -> None:
    session = Reading()
    bot, dispatcher = Bot("42:TEST", session=session), Dispatcher()
    neonpay = create_neonpay(bot, dispatcher=dispatcher, database_url=f"sqlite:///{tmp_path}/shop.db")
    await bot.get_my_short_description()
    gc.collect()
    await bot.get_my_short_description()
    gc.collect()
    await neonpay.close()
    first, second = (model() for model in session.models)
    assert first is not None
    assert first is second
