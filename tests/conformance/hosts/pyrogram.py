"""A client of the Pyrogram family: whichever of its distributions is installed, or hydrogram."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from neonpay import NeonPayCore, create_neonpay
from neonpay.simulator import BotAccount, Simulator
from neonpay.testing.adapter_suite import BUSY, BUY, BotHost


class PyrogramHost(BotHost):
    root = "pyrogram"

    def __init__(self, telegram: Simulator, account: BotAccount) -> None:
        super().__init__()
        self._telegram = telegram
        library = import_module(self.root)
        handlers = import_module(f"{self.root}.handlers")
        self._raw = import_module(f"{self.root}.raw")
        self.tells_of_bought_media = hasattr(self._raw.types, "UpdateBotPurchasedPaidMedia")
        self._client = telegram.adopt(
            library.Client(
                "bot", api_id=1, api_hash="0123456789abcdef", bot_token=account.token, in_memory=True, **self.options()
            )
        )
        # Most of the family knows payments only as TL; before the others, and so greedy that nothing comes after.
        self._client.add_handler(handlers.RawUpdateHandler(self._update), group=-1)
        self._client.add_handler(handlers.MessageHandler(self._message), group=0)

    def options(self) -> dict[str, Any]:
        """What else this member of the family wants to be made with."""
        return {}

    def join(self, **options: Any) -> NeonPayCore:
        return create_neonpay(self._client, api_url=self._telegram.base_url, **options)

    def take_turns(self) -> None:
        self._client.workers = 1

    async def start(self) -> None:
        await self._client.start()

    async def stop(self) -> None:
        if self._client.is_connected:
            await self._client.stop()
        await self.neonpay.close()

    async def _update(self, client: Any, update: Any, users: Any, chats: Any) -> None:
        if type(update).__name__ == "UpdateBotPrecheckoutQuery":
            self.heard.add(f"checkout:{update.payload.decode()}")
            await self._client.invoke(
                self._raw.functions.messages.SetBotPrecheckoutResults(query_id=update.query_id, success=True)
            )
        if type(update).__name__ == "UpdateBotPurchasedPaidMedia":
            self.heard.add(f"bought:{update.payload}")
        action: Any = getattr(getattr(update, "message", None), "action", None)
        if type(action).__name__ == "MessageActionPaymentSentMe":
            self.heard.add(f"paid:{action.payload.decode()}")
        elif type(action).__name__ == "MessageActionPaymentRefunded":
            self.heard.add(f"refunded:{action.payload.decode()}")

    async def _message(self, client: Any, message: Any) -> None:
        if message.text is None:
            return
        self.heard.add(f"text:{message.text}")
        if message.text == BUSY:
            await asyncio.to_thread(self.released.wait)
        elif message.text.startswith(BUY):
            await self.offers(message.from_user.id, message.text)


class HydrogramHost(PyrogramHost):
    """Hydrogram drops updates that it has no parser for before its raw handlers; who sells by himself gives it one."""

    root = "hydrogram"

    def options(self) -> dict[str, Any]:
        return {"session_storage_engine": _one_at_a_time()}

    def __init__(self, telegram: Simulator, account: BotAccount) -> None:
        super().__init__(telegram, account)
        query = self._raw.types.UpdateBotPrecheckoutQuery
        self._client.dispatcher.update_parsers.setdefault(query, _as_it_is)


def _one_at_a_time() -> Any:
    """Hydrogram's storage in memory, with one writer of peers at a time.

    Under a burst its own loses updates now and then ("bad parameter or other API misuse"): the loop's thread frees the
    cursor of one write while the storage's thread is inside the next one, which is the same prepared statement.
    """
    storage: Any = import_module("hydrogram.storage")

    class OneAtATime(storage.SQLiteStorage):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__("bot", use_memory=True)
            self._turn = asyncio.Lock()

        async def update_peers(self, peers: Any) -> None:
            async with self._turn:
                await super().update_peers(peers)

    return OneAtATime()


async def _as_it_is(update: Any, users: Any, chats: Any) -> tuple[None, type[None]]:
    return None, type(None)
