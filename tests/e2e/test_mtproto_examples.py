"""The example shops that speak MTProto keep what the demo promises of the others.

They are played in this process, because the simulator has no wire for MTProto. What a killed process leaves does not depend on
the library, and the shops of test_examples show it.
"""

from __future__ import annotations

import asyncio
import runpy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiogram.types import Message

from neonpay import NeonPayCore
from neonpay.simulator import BotAccount, Buyer, Simulator

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# kurigram, pyrofork and Pyrogram are all imported as pyrogram; tests/packaging/test_forks.py plays the shop on each.
LIBRARIES = [name for name in ("hydrogram", "pyrogram", "telethon") if find_spec(name) is not None]


class Street:
    """A shop's surroundings: Telegram, its bot, its admin and two buyers."""

    def __init__(self, telegram: Simulator, library: str) -> None:
        self.telegram = telegram
        self.library = library
        self.bot: BotAccount = telegram.bot("shop_bot")
        self.olga = telegram.user("Olga")
        self.ann = telegram.user("Ann", stars=100)
        self.bob = telegram.user("Bob", stars=100)
        self._goods = sa.create_engine("sqlite:///shop.db", poolclass=sa.NullPool)

    @asynccontextmanager
    async def open_shop(self) -> AsyncIterator[NeonPayCore]:
        """The shop, running."""
        shop = runpy.run_path(str(EXAMPLES / f"{self.library}_shop.py"))
        client = self.telegram.adopt(shop["bot"])
        if self.library == "telethon":
            await client.start(bot_token=self.bot.token)
            program, stop = asyncio.ensure_future(shop["main"]()), client.disconnect
        else:
            program, stop = asyncio.ensure_future(client.start()), client.stop
            await program
        try:
            yield shop["neonpay"]
        finally:
            await stop()
            await program
            await shop["neonpay"].close()
            shop["database"].dispose()

    async def asks(self, buyer: Buyer, words: str, *, gets: str) -> Message:
        """The answer to what a buyer writes."""
        await buyer.says(words, to=self.bot)
        return await buyer.hears(self.bot, containing=gets)

    async def buys(self, buyer: Buyer, title: str, *, gets: str) -> str:
        """The charge of something bought and delivered."""
        outcome = await buyer.pays(await self.invoice(buyer, title))
        assert outcome.status == "paid"
        await buyer.hears(self.bot, containing=gets)
        return str(outcome.charge_id)

    async def invoice(self, buyer: Buyer, title: str) -> Message:
        return await buyer.hears(self.bot, predicate=lambda m: m.invoice is not None and m.invoice.title == title)

    def heard(self, buyer: Buyer, words: str) -> int:
        return sum(words in (message.text or "") for message in buyer.messages(self.bot))

    def goods(self) -> list[tuple[str, int]]:
        with self._goods.connect() as connection:
            rows = connection.execute(sa.text("SELECT what, user_id FROM shop_goods ORDER BY id"))
            return [(row.what, row.user_id) for row in rows]


@pytest.fixture(params=LIBRARIES)
async def street(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Street]:
    monkeypatch.chdir(tmp_path)
    async with Simulator(seed=7) as telegram:
        street = Street(telegram, request.param)
        variables = {
            "BOT_TOKEN": street.bot.token,
            "API_ID": "1",
            "API_HASH": "0123456789abcdef",
            "ADMIN_ID": str(street.olga.id),
            "TELEGRAM_API_URL": telegram.base_url,
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield street


async def test_a_shop_delivers_once_what_is_paid_once(street: Street) -> None:
    telegram, ann = street.telegram, street.ann
    async with street.open_shop() as neonpay:
        await ann.presses("Coffee", on=await street.asks(ann, "/start", gets="Welcome"))
        charge_id = await street.buys(ann, "Coffee", gets="Your coffee is ready. Thank you for 5 ★!")
        paid = next(update for update in telegram.updates(street.bot) if "successful_payment" in update.payload)
        await telegram.redeliver(paid.update_id, street.bot, new_id=True)
        await ann.says("/buy game", to=street.bot)
        await street.buys(ann, "Game", gets="Your key: ")
        assert charge_id in str((await street.asks(ann, "/orders", gets="coffee, 5 ★")).text)
        assert (await neonpay.books.verify()).findings == ()
    assert [payment.amount for payment in telegram.payments(street.bot)] == [5, 25]
    assert street.goods() == [("stamp", ann.id)]
    assert street.heard(ann, "ready") == street.heard(ann, "Your key") == 1


async def test_a_shop_declines_what_is_sold_out_and_somebody_elses_invoice(street: Street) -> None:
    ann, bob = street.ann, street.bob
    async with street.open_shop():
        await bob.says("/start poster", to=street.bot)
        late = await street.invoice(bob, "Poster")
        await ann.says("/start poster", to=street.bot)
        hers = await street.invoice(ann, "Poster")
        not_his = await bob.pays(await bob.receives(hers))
        assert (await ann.pays(hers)).status == "paid"
        await ann.hears(street.bot, containing="The poster is yours. It is on its way.")
        sold_out = await bob.pays(late)
    assert (not_his.status, "somebody else" in str(not_his.reason)) == ("declined", True)
    assert (sold_out.status, sold_out.reason) == ("declined", "Sorry, the poster is sold out.")
    assert (ann.stars, bob.stars) == (50, 100)
    assert street.goods() == [("poster", ann.id)]


async def test_a_shop_gives_stars_back_once_when_its_admin_says_so(street: Street) -> None:
    ann, olga = street.ann, street.olga
    async with street.open_shop() as neonpay:
        await street.asks(olga, "/start", gets="Welcome")
        await ann.says("/buy coffee", to=street.bot)
        charge_id = await street.buys(ann, "Coffee", gets="ready")
        await ann.says(f"/refund {charge_id}", to=street.bot)
        await street.asks(olga, f"/refund {charge_id}", gets=f"5 ★ are back with user {ann.id}.")
        await street.asks(olga, f"/refund {charge_id}", gets="are back")
        await street.asks(olga, "/refund nothing", gets="Not refunded: ")
        await street.asks(ann, "/orders", gets="coffee, 5 ★, refunded")
        assert (await neonpay.books.verify()).findings == ()
    assert ann.stars == 100
    assert len([row for row in street.telegram.transactions(street.bot) if row.direction == "receiver"]) == 1
    assert street.heard(ann, "are back") == 0


async def test_a_shop_answers_what_telegram_asks_of_every_shop(street: Street) -> None:
    ann, olga = street.ann, street.olga
    async with street.open_shop():
        await street.asks(olga, "/start", gets="Welcome")
        await street.asks(ann, "/terms", gets="Goods are delivered at once.")
        await street.asks(ann, "/buy tea", gets="We have: coffee, game, poster.")
        await street.asks(ann, "/orders", gets="Nothing yet.")
        await ann.says("/buy game", to=street.bot)
        await street.buys(ann, "Game", gets="Your key: ")
        await ann.presses("Game", on=await street.asks(ann, "/paysupport", gets="Which payment"))
        await ann.hears(street.bot, containing="Send the request")
        await street.asks(ann, "/paysupport my __key__ **fails**", gets="A person will look at it")
        request = await olga.hears(street.bot, containing="Reason: my __key__ **fails**")
        await olga.presses("Approve", on=request)
        await ann.hears(street.bot, containing="is granted")
    assert ann.stars == 100


async def test_a_shop_that_is_started_again_signs_in_by_its_session_and_knows_its_buyers(
    street: Street, tmp_path: Path
) -> None:
    ann = street.ann
    async with street.open_shop():
        await ann.says("/buy coffee", to=street.bot)
        await street.buys(ann, "Coffee", gets="ready")
    assert (tmp_path / "shop.session").exists()
    async with street.open_shop():
        await street.asks(ann, "/orders", gets="coffee, 5 ★")
        await ann.says("/buy game", to=street.bot)
        await street.buys(ann, "Game", gets="Your key")
    assert street.heard(ann, "ready") == 1
