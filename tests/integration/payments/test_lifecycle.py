"""Opening and closing, and what the workers of one bot share."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from neonpay import ConfigurationError, PaymentResult, create_neonpay
from neonpay.errors import LedgerError, RefundError, TelegramError
from tests.integration.conftest import Shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from neonpay.simulator import Simulator


async def _nothing(result: PaymentResult) -> None: ...


async def test_a_cancelled_call_is_cancelled_and_not_an_error(shop: Shop) -> None:
    # Otherwise a library that stops by cancelling takes the error for a failed update, and goes on.
    async with shop.neonpay, asyncio.timeout(100):
        for rounds in range(1000):
            call = asyncio.ensure_future(shop.neonpay.payments.history(1))
            for _ in range(rounds):
                await asyncio.sleep(0)
            if not call.cancel():
                break
            with pytest.raises(asyncio.CancelledError):
                await call
        assert rounds > 1
        assert await shop.neonpay.payments.history(1) == []


async def test_opening_and_closing_again_changes_nothing(shop: Shop) -> None:
    await shop.neonpay.setup()
    await shop.neonpay.setup()
    assert shop.neonpay.get_stats()["is_open"] is True
    await shop.neonpay.close()
    await shop.neonpay.close()
    assert shop.neonpay.get_stats()["is_open"] is False


async def test_a_closed_shop_opens_again_and_sells(shop: Shop) -> None:
    shop.neonpay.on_payment(_nothing)

    @shop.neonpay.on_pre_checkout
    async def refuse_bob(query: Any) -> str | None:
        return "Not you, Bob" if query.user_id == bob.id else None

    bob = shop.telegram.user("Bob", stars=50)
    for stars_before in (1000, 950):
        async with shop.polling():
            ann = await shop.visitor("Ann", stars=stars_before)
            assert (await shop.sells(ann)).status == "paid"
            link = (await shop.neonpay.create_payment_link("vip")).link or ""
            assert (await bob.pays(link)).reason == "Not you, Bob"
    async with shop.neonpay as neonpay:
        assert neonpay is shop.neonpay
        assert len(await neonpay.payments.history(ann.id)) == 1


async def test_setups_at_the_same_time_open_once(shop: Shop) -> None:
    await asyncio.gather(*(shop.neonpay.setup() for _ in range(5)))
    assert await shop.neonpay.payments.history(1) == []


@pytest.mark.parametrize("variable", [None, "from_environment.db"])
async def test_the_database_is_a_file_here_unless_the_environment_names_another(
    telegram: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEONPAY_DATABASE_URL", raising=False)
    if variable is not None:
        monkeypatch.setenv("NEONPAY_DATABASE_URL", f"sqlite:///{tmp_path / variable}")
    shop = Shop(telegram, telegram.bot("shop_bot"))
    await shop.neonpay.setup()
    await shop.aclose()

    assert (tmp_path / (variable or "neonpay.db")).is_file()


async def test_workers_of_one_bot_share_their_key(open_shop: Callable[..., Shop]) -> None:
    first, second = open_shop(), open_shop()
    second.neonpay.on_payment(_nothing)
    await asyncio.gather(first.neonpay.setup(), second.neonpay.setup())
    async with second.polling():
        invoice = await first.neonpay.create_payment_link("vip")
        ann = second.telegram.user("Ann", stars=50)
        outcome = await ann.pays(invoice.link or "")
        await second.settles()

    assert outcome.status == "paid"


async def test_a_rotated_key_signs_and_the_older_ones_go_on_verifying_in_every_worker(
    open_shop: Callable[..., Shop], clock: Any
) -> None:
    first, second = open_shop(), open_shop()
    second.neonpay.on_payment(_nothing)
    async with second.polling():
        old = await first.neonpay.create_payment_link("vip")
        clock.advance(1)
        await first.neonpay.books.rotate_key()
        new = await first.neonpay.create_payment_link("vip")
        ann = second.telegram.user("Ann", stars=100)
        outcomes = [await ann.pays(invoice.link or "") for invoice in (new, old)]
        await second.settles()
        payments = await second.neonpay.payments.history(ann.id)

    assert [outcome.status for outcome in outcomes] == ["paid", "paid"]
    assert [payment.state for payment in payments] == ["accepted", "accepted"]


async def test_a_secret_of_the_program_may_be_replaced_while_the_old_one_still_verifies(
    open_shop: Callable[..., Shop],
) -> None:
    before = open_shop(secret="the secret of last year")
    old = await before.neonpay.create_payment_link("vip")
    await before.neonpay.close()
    after = open_shop(secret=["the secret of this year", "the secret of last year"])
    without = open_shop(secret="the secret of this year")
    after.neonpay.on_payment(_nothing)
    ann = after.telegram.user("Ann", stars=100)
    async with after.polling():
        assert (await ann.pays(old.link or "")).status == "paid"
        await after.settles()
    async with without.polling():
        assert (await ann.pays(old.link or "")).status == "declined"


def test_a_short_secret_is_refused_and_not_shown(shop: Shop) -> None:
    with pytest.raises(ConfigurationError, match="at least 16 characters") as refused:
        create_neonpay(shop.bot, dispatcher=shop.dispatcher, secret=["long enough to be one", "hunter2"])
    assert "hunter2" not in str(refused.value)


async def test_neither_token_nor_signature_reaches_a_log_an_error_or_a_repr(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="neonpay")
    shop = open_shop(thank_you_message="Thank you!", secret="a secret of the program")

    @shop.neonpay.on_payment(name="deliver", max_attempts=1)
    async def fail(result: PaymentResult) -> None:
        raise RuntimeError(f"cannot deliver {result!r}")

    @shop.neonpay.on_pre_checkout
    async def look(query: Any, invoice: Any) -> None:
        logging.getLogger("neonpay").info("%r %r", query, invoice)

    errors: list[BaseException] = []
    async with shop.polling():
        ann = await shop.visitor()
        outcome = await shop.sells(ann)
        payment = await shop.neonpay.payments.get(outcome.charge_id or "")
        shop.telegram.faults.fail("sendInvoice", error_code=400)
        with pytest.raises(TelegramError) as refused:
            await shop.neonpay.send_payment(ann.id, "vip")
        errors.append(refused.value)
        shop.telegram.faults.fail("refundStarPayment", error_code=400)
        with pytest.raises(RefundError) as kept:
            await shop.neonpay.refund(outcome.charge_id or "")
        errors.append(kept.value)

    texts = [caplog.text, repr(payment), repr(shop.neonpay), repr(shop.facts), *map(repr, errors), *map(str, errors)]
    assert "cannot deliver" in caplog.text
    for secret in (
        shop.account.token,
        shop.account.token.partition(":")[2],
        payment.payload,
        "a secret of the program",
    ):
        assert not any(secret in text for text in texts)


@pytest.mark.parametrize("url", ["mysql://u:hunter2@localhost/shop", "not a url", "sqlite://"])
def test_a_database_that_cannot_be_is_refused_at_once_without_showing_it(shop: Shop, url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        create_neonpay(shop.bot, dispatcher=shop.dispatcher, database_url=url)
    assert "hunter2" not in str(refused.value)


async def test_a_file_that_is_no_database_is_said_to_be_none(telegram: Simulator, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("This is not a database. " * 100)
    shop = Shop(telegram, telegram.bot("shop_bot"), database_url=f"sqlite:///{tmp_path / 'notes.txt'}")
    with pytest.raises(LedgerError, match="not a SQLite database"):
        await shop.neonpay.setup()
    await shop.aclose()
    assert (tmp_path / "notes.txt").read_text().startswith("This is not a database.")


async def test_logging_can_be_silenced(open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture) -> None:
    ours = logging.getLogger("neonpay")
    level = ours.level
    shop = open_shop(enable_logging=False)
    async with shop.polling():
        await shop.sells_in_vain(await shop.visitor())
    ours.setLevel(level)
    assert shop.named("payment_needs_attention")
    assert [record for record in caplog.records if record.name.startswith("neonpay")] == []
