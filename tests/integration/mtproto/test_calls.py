"""Which way calls go, and what is raised."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neonpay import AdapterError, ConfigurationError, TelegramError, create_neonpay
from neonpay.adapters import detect
from neonpay.core.ports import Named
from neonpay.errors import LedgerError, TelegramUnreachableError
from neonpay.simulator import Simulator
from tests.integration.mtproto.conftest import MtprotoShop
from tests.integration.mtproto.libraries import API, INSTALLED, ROOTS, MtprotoBot, bot_of, load


async def test_checkouts_are_answered_by_the_library_and_all_else_goes_by_http(shop: MtprotoShop) -> None:
    outcome = await shop.sells(await shop.visitor())
    await shop.neonpay.refund(outcome.charge_id or "")
    await shop.neonpay.books.reconcile(grace_s=0)
    went = {call.method: call.via for call in shop.telegram.calls()}

    assert went.pop("answerPreCheckoutQuery") == "mtproto"
    assert {"sendInvoice", "refundStarPayment", "getStarTransactions", "getMyStarBalance"} <= set(went)
    assert set(went.values()) == {"http"}
    assert shop.telegram.calls("getUpdates") == []


async def test_a_checkout_that_is_over_is_a_refusal_with_telegrams_word(shop: MtprotoShop) -> None:
    with pytest.raises(TelegramError) as caught:
        await shop.neonpay.program.adapter.call("answerPreCheckoutQuery", {"pre_checkout_query_id": "17", "ok": True})
    assert caught.value.error_code == 400
    assert "query" in caught.value.description.casefold()


async def test_a_flood_wait_is_a_429_with_its_seconds(shop: MtprotoShop) -> None:
    shop.telegram.faults.fail("answerPreCheckoutQuery", error_code=429, retry_after=3600)
    with pytest.raises(TelegramError) as caught:
        await shop.neonpay.program.adapter.call("answerPreCheckoutQuery", {"pre_checkout_query_id": "17", "ok": True})
    assert (caught.value.error_code, caught.value.retry_after_s) == (429, 3600)


async def test_a_client_that_is_not_connected_is_unreachable(make_shop: Callable[..., MtprotoShop]) -> None:
    neonpay = make_shop().sells_from_now_on()
    with pytest.raises(TelegramUnreachableError):
        await neonpay.program.adapter.call("answerPreCheckoutQuery", {"pre_checkout_query_id": "17", "ok": True})


async def test_a_client_whose_ledger_cannot_be_opened_does_not_start(
    make_shop: Callable[..., MtprotoShop], tmp_path: Path
) -> None:
    shop = make_shop()
    shop.sells_from_now_on(database_url=f"sqlite:///{tmp_path}/nowhere/shop.db")
    with pytest.raises(LedgerError):
        await shop.bot.start()


async def test_a_payment_that_cannot_be_recorded_is_logged_and_kept_from_the_host(
    make_shop: Callable[..., MtprotoShop], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop = make_shop()
    shop.sells_from_now_on()
    await shop.bot.start()
    ann = await shop.visitor()
    await shop.sells(ann)
    await shop.neonpay.close()
    await shop.bot.stop()
    (paid,) = [u.update_id for u in shop.telegram.updates(shop.account) if "successful_payment" in u.payload]

    broken = make_shop()
    await broken.bot.start()
    broken.sells_from_now_on(database_url=f"sqlite:///{tmp_path}/nowhere/shop.db", patience_s=0)
    with caplog.at_level(logging.ERROR, "neonpay.adapters"):
        await shop.telegram.redeliver(paid, shop.account, new_id=True)
        await ann.says("done", to=shop.account)
        await broken.bot.hears("done")
        await broken.bot.stop()

    assert broken.host_saw() == ["UpdateNewMessage"]
    assert "failed; a payment in it is found by the next comparison" in caplog.text
    assert shop.account.token.partition(":")[2] not in caplog.text


async def test_every_library_has_a_row_of_its_own(make_bot: Callable[..., MtprotoBot], library: str) -> None:
    assert detect(make_bot().client).name == library


async def test_a_subclass_is_recognised(library: str) -> None:
    module = load(ROOTS[library])
    name, arguments = ("TelegramClient", (None,)) if library == "telethon" else ("Client", ("bot",))
    own = type("OwnClient", (getattr(module, name),), {})
    assert detect(own(*arguments, **API)).name == library


async def test_a_client_without_a_token_is_told_the_line_to_write(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEONPAY_BOT_TOKEN", raising=False)
    with pytest.raises(AdapterError, match=r"create_neonpay\(client, bot_token="):
        create_neonpay(_client(library), database_url=f"sqlite:///{tmp_path}/n.db")


async def test_the_environment_may_have_the_token(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEONPAY_BOT_TOKEN", "43:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    neonpay = create_neonpay(_client(library), database_url=f"sqlite:///{tmp_path}/n.db")
    assert neonpay.program.adapter.bot_id == 43


async def test_a_client_without_updates_is_refused(library: str, tmp_path: Path) -> None:
    client = _client(library, **({"receive_updates": False} if library == "telethon" else {"no_updates": True}))
    with pytest.raises(AdapterError, match="gets no updates"):
        create_neonpay(client, bot_token="43:A", database_url=f"sqlite:///{tmp_path}/n.db")


def test_a_bot_that_has_its_token_is_given_none() -> None:
    with pytest.raises(ConfigurationError, match="botapi needs no bot_token"):
        create_neonpay("43:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", bot_token="43:A")


async def test_a_token_of_another_bot_sells_nothing(
    telegram: Simulator, library: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session = {"session": str(tmp_path / "bot")} if library == "telethon" else {"in_memory": False, "workdir": tmp_path}
    first = bot_of(library, telegram, telegram.bot("shop_bot"), **session)
    await first.start()
    await first.stop()
    signed_in = bot_of(library, telegram, telegram.bot("shop_bot"), **session)
    if library != "telethon":
        signed_in.client.bot_token = None
    other = telegram.bot("other_bot")
    neonpay = create_neonpay(
        signed_in.client, bot_token=other.token, api_url=telegram.base_url, database_url=f"sqlite:///{tmp_path}/n.db"
    )
    await signed_in.start()
    with pytest.raises(
        AdapterError, match=rf"token is of bot {other.id} and the client is signed in as {first.account.id}"
    ):
        await neonpay.program.adapter.call("getMe", {})
    await signed_in.stop()


def _client(library: str, **options: Any) -> Any:
    module = load(ROOTS[library])
    if library == "telethon":
        return module.TelegramClient(None, **API, **options)
    return module.Client("bot", in_memory=True, **API, **options)


def test_what_is_installed_is_what_is_tested() -> None:
    assert len([name for name in INSTALLED if ROOTS[name] == "pyrogram"]) <= 1


async def test_the_name_of_the_bot_is_known_where_the_library_keeps_it(
    make_shop: Callable[..., MtprotoShop], library: str
) -> None:
    shop = make_shop()
    adapter = shop.sells_from_now_on().program.adapter
    if library == "telethon":  # keeps the id alone
        assert not isinstance(adapter, Named)
        return
    assert isinstance(adapter, Named)
    assert adapter.bot_username is None
    await shop.bot.start()
    assert adapter.bot_username == "shop_bot"
