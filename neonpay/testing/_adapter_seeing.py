"""An extension may be told of the host's updates, which are the host's all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from neonpay.core.ports import Seeing
from neonpay.core.seen import SeenKind, SeenUpdate
from neonpay.errors import AdapterError
from neonpay.payments.extension import Extension
from neonpay.simulator import Buyer
from neonpay.testing._adapter_base import AdapterFixtures, ShopUnderTest
from neonpay.testing.adapter_host import Noted

_BUTTON = {"inline_keyboard": [[{"text": "Look", "callback_data": "look"}]]}


class Watching(Extension):
    """Notes what it is told of; fails at a message that begins with ``/fail``."""

    name = "watching"

    def __init__(self) -> None:
        self.told: Noted[SeenUpdate] = Noted()

    def seen(self, update: SeenUpdate) -> None:
        """Note it."""
        self.told.add(update)
        if update.command == "fail":
            msg = "as the rule asks for"
            raise RuntimeError(msg)


class SeeingRules(AdapterFixtures):
    """Each update of a person is told once, to extensions that want to know, and reaches the host as if nobody did."""

    async def test_an_extension_is_told_once_of_each_update_and_the_host_gets_it(
        self, open_shop: Callable[..., ShopUnderTest]
    ) -> None:
        shop = open_shop()
        watching = _watched(shop)
        if watching is None:
            return
        await shop.host.start()
        ann = shop.telegram.user("Ann", stars=1000)
        for text in ("/start ad_7", "hello", "/menu please"):
            await ann.says(text, to=shop.account)
            await shop.host.heard.has(lambda word, said=f"text:{text}": word == said)  # type: ignore[misc]
        await _presses_a_button(shop, ann)
        await watching.told.has(count=4)
        outcome = await shop.sells(ann)
        await ann.says("bye", to=shop.account)
        await watching.told.has(count=5)
        await shop.host.heard.has(lambda word: word == "text:bye")
        message, press = SeenKind.MESSAGE, SeenKind.CALLBACK
        assert [(one.kind, one.command, one.parameter) for one in watching.told.all] == [
            (message, "start", "ad_7"),
            (message, None, None),
            (message, "menu", None),
            (press, None, None),
            (message, None, None),
        ]
        assert {(one.bot_id, one.user_id, one.chat_id) for one in watching.told.all} == {
            (shop.account.id, ann.id, ann.id)
        }
        assert outcome.status == "paid"
        assert shop.host.heard.all == [f"text:{text}" for text in ("/start ad_7", "hello", "/menu please", "bye")]

    async def test_an_extension_that_fails_at_an_update_keeps_it_from_nobody(
        self, open_shop: Callable[..., ShopUnderTest]
    ) -> None:
        shop = open_shop()
        watching = _watched(shop)
        if watching is None:
            return
        await shop.host.start()
        ann = await shop.visitor()
        for text in ("/fail once", "/fail twice", "hello"):
            await ann.says(text, to=shop.account)
        await shop.host.heard.has(lambda word: word == "text:hello")
        await watching.told.has(count=4)
        assert shop.host.heard.all == [f"text:{text}" for text in ("/start", "/fail once", "/fail twice", "hello")]
        assert shop.neonpay.get_stats()["seen_faults"] == 2
        await shop.sells(ann)

    async def test_commands_that_neonpay_answers_are_told_of_as_well(
        self, open_shop: Callable[..., ShopUnderTest]
    ) -> None:
        shop = open_shop()
        watching = _watched(shop)
        if watching is None:
            return
        if shop.neonpay.program.capabilities().converses:
            shop.neonpay.enable_support(terms="No refunds of what was eaten.")
        await shop.host.start()
        ann = await shop.visitor()
        await ann.says("/terms", to=shop.account)
        await watching.told.has(lambda one: one.command == "terms")
        await ann.says("hello", to=shop.account)
        await shop.host.heard.has(lambda word: word == "text:hello")
        await watching.told.has(count=3)
        # What neonpay answers may overtake what waits for the host.
        assert sorted(str(one.command) for one in watching.told.all) == ["None", "start", "terms"]


def _watched(shop: ShopUnderTest) -> Watching | None:
    """The extension in use; None for an adapter that tells of no updates, which then refuses it."""
    if isinstance(shop.neonpay.program.adapter, Seeing):
        return shop.neonpay.use(Watching())
    with pytest.raises(AdapterError):
        shop.neonpay.use(Watching())
    return None


async def _presses_a_button(shop: ShopUnderTest, person: Buyer) -> None:
    async with shop.telegram_client() as client:
        await client.call("sendMessage", {"chat_id": person.id, "text": "Look around", "reply_markup": _BUTTON})
    message = await person.hears(shop.account, predicate=lambda message: message.text == "Look around")
    await person.presses("Look", on=message, wait=False)
