"""A bot is named by its username, which the ledger has from Telegram."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import pytest

from neonpay.core.people import Sender
from neonpay.ledger import open_ledger
from neonpay.store.people import bot_names, remember_bot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.cli.conftest import Command
    from tests.integration.conftest import Shop


class Compared(logging.Handler):
    """Set when the periodic comparison has come to its end."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.is_over = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "task", "") == "reconcile":
            asyncio.get_running_loop().call_soon(self.is_over.set)


async def test_a_shop_keeps_its_bot_s_name_when_it_compares_with_telegram(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    compared = Compared()
    caplog.set_level(logging.DEBUG, "neonpay")
    logging.getLogger("neonpay").addHandler(compared)
    try:
        shop = open_shop(reconcile_every_s=600.0)
        async with shop.neonpay:
            await compared.is_over.wait()
            names = await shop.neonpay.program.pipeline.ledger.read(bot_names, [shop.account.id])
    finally:
        logging.getLogger("neonpay").removeHandler(compared)
    assert names == {shop.account.id: "shop_bot"}


@pytest.mark.parametrize("what", [("payments", "list"), ("invoices", "list"), ("doctor",)], ids=lambda what: what[0])
async def test_a_username_is_as_good_as_a_bot_s_id(neonpay: Command, database_url: str, what: tuple[str, ...]) -> None:
    ledger = open_ledger(database_url)
    await ledger.run(remember_bot, neonpay.shop.account.id, Sender(username="Shop_Bot"), 1)
    await ledger.close()
    named = await neonpay(*what, "--json", "--bot", "@shop_BOT")
    by_id = await neonpay(*what, "--json", "--bot", str(neonpay.shop.account.id))
    assert named.exit_code == by_id.exit_code
    if what == ("doctor",):  # beside the bot it tells of files, which come and go
        assert [_of_bot(named.stdout), _of_bot(by_id.stdout)] == [f"the ledger has bot {neonpay.shop.account.id}"] * 2
    else:
        assert named.stdout == by_id.stdout


def _of_bot(doctor: str) -> str:
    return next(str(check["finding"]) for check in json.loads(doctor)["checks"] if check["name"] == "ledger.bot")


async def test_a_name_that_no_bot_has_is_answered_with_those_there_are(neonpay: Command, database_url: str) -> None:
    ledger = open_ledger(database_url)
    await ledger.run(remember_bot, neonpay.shop.account.id, Sender(username="shop_bot"), 1)
    await ledger.close()
    said = await neonpay("payments", "list", "--bot", "@other_bot")
    assert said.exit_code == 3
    assert said.stderr.startswith("neonpay: no bot of this ledger is known as @other_bot")
    assert f"{neonpay.shop.account.id} (@shop_bot)" in said.stderr
    assert (await neonpay("payments", "list", "--bot", "shop")).exit_code == 2


async def test_a_name_and_a_token_must_be_of_one_bot(neonpay: Command, database_url: str) -> None:
    ledger = open_ledger(database_url)
    await ledger.run(remember_bot, neonpay.shop.account.id, Sender(username="shop_bot"), 1)
    await ledger.close()
    said = await neonpay("verify", "--bot", "@shop_bot", NEONPAY_BOT_TOKEN="987654:secret")  # no bot's
    assert said.exit_code == 3
    assert f"the token is that of bot 987654, and @shop_bot is bot {neonpay.shop.account.id}" in said.stderr
