"""What owners are told without having written a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.errors import ConfigurationError
from neonpay.ledger.tables_notifications import notifications
from neonpay.notifications import NotificationConfig, Notifications, NotificationType, Rule
from tests.integration.notifications.conftest import as_time_passes
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.notifications.conftest import Receiver

ROW = notifications.c
ONE_ENGINE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter


async def fails(payment: Any) -> None:
    raise RuntimeError("no more of it")


async def nothing(payment: Any) -> None:
    """There is nothing to deliver."""


async def test_owners_are_told_in_one_line_of_what_needs_them_and_nobody_else_is(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    owner, ann = await shop.visitor("Owner"), await shop.visitor("Ann")
    shop = open_shop(admins=[owner.id])
    shop.neonpay.on_payment(max_attempts=1)(fails)
    shop.neonpay.enable_alerts()
    async with shop.polling():
        outcome = await shop.sells(ann)
        told = await owner.hears(shop.account, containing="given up")
    assert f"Charge: {outcome.charge_id}" in (told.text or "")
    assert f"neonpay payments retry {(outcome.charge_id or '')[:20]}" in (told.text or "")
    assert not [message for message in ann.messages(shop.account) if "given up" in (message.text or "")]


@ONE_ENGINE
async def test_sales_are_told_in_the_owners_language_and_in_words_of_their_own(
    open_shop: Callable[..., Shop], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neonpay.toml").write_text('[alerts]\nsales = true\nlanguage = "ru"\n', encoding="utf-8")
    shop = open_shop(username="first_bot")
    owner = await shop.visitor("Owner")
    shop.neonpay.on_payment(nothing)
    shop.neonpay.enable_alerts(admins=[owner.id])
    own = open_shop(username="second_bot")
    own.neonpay.on_payment(nothing)
    own.neonpay.enable_alerts(
        admins=[owner.id],
        sales=True,
        texts={"payment_completed": "{{ stage_id }}\n{{ amount_stars }} ⭐"},
        translate=lambda key, language: None,
    )
    await owner.says("/start", to=own.account)
    for one in (shop, own):
        async with one.polling():
            await one.sells(await one.visitor("Ann"))
            await one.fact("payment_delivered")
            told = await owner.hears(one.account)
        assert (told.text or "").splitlines()[:1] == (["💫 Продано"] if one is shop else ["vip"])
        assert ("50 звёзд" if one is shop else "50 ⭐") in (told.text or "")


@ONE_ENGINE
async def test_a_host_translator_is_asked_before_ours(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    owner = await shop.visitor("Owner")
    shop.neonpay.on_payment(nothing)
    asked = {"alert.payment_completed.subject": "Kaching!", "alert.amount": "{stars} stars for us"}
    shop.neonpay.enable_alerts(admins=[owner.id], sales=True, translate=lambda key, language: asked.get(key))
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        told = await owner.hears(shop.account)
    assert (told.text or "").startswith("Kaching!\n\n50 stars for us\nProduct: vip")


@ONE_ENGINE
async def test_declined_checkouts_are_one_message(
    open_shop: Callable[..., Shop], clock: MovableClock, query: Callable[..., Any]
) -> None:
    shop = open_shop()
    owner, ann = await shop.visitor("Owner"), await shop.visitor("Ann")
    shop.neonpay.on_pre_checkout(lambda: False)
    shop.neonpay.enable_alerts(admins=[owner.id], declined=True)
    async with shop.polling():
        for _ in range(3):
            await shop.sells(ann)
        while len(await query(sa.select(ROW.note_id))) < 3:
            await between_looks()
        clock.advance(300)
        told = await as_time_passes(clock, owner.hears(shop.account))
    assert (told.text or "").startswith("🚫 Checkout declined × 3")


@ONE_ENGINE
async def test_alerts_go_by_another_channel_and_beside_rules_of_the_program(
    open_shop: Callable[..., Shop], receiver: Receiver
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    mine = Rule(
        name="mine",
        events=frozenset({"payment_completed"}),
        channel=NotificationType.WEBHOOK,
        recipients=(receiver.url,),
    )
    ours = shop.neonpay.use(Notifications(NotificationConfig(slack_webhook_url=f"{receiver.url}/slack"), rules=[mine]))
    assert shop.neonpay.enable_alerts(channel="slack", sales=True) is ours
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        posts = await receiver.has(2)
    assert sorted(post.path for post in posts) == ["/", "/slack"]
    with pytest.raises(ConfigurationError, match="called before"):
        shop.neonpay.enable_alerts()


@ONE_ENGINE
def test_alerts_about_what_is_never_told_are_refused(open_shop: Callable[..., Shop]) -> None:
    with pytest.raises(ConfigurationError, match="there is no alert 'payment_done'"):
        open_shop().neonpay.enable_alerts(texts={"payment_done": "Sold"})
    for wrong in ("22-8", "22:00", "22:00-25:00", "night"):
        with pytest.raises(ConfigurationError, match=f"quiet is written as 22:00-08:00; got '{wrong}'$"):
            open_shop().neonpay.enable_alerts(quiet=wrong)
    with pytest.raises(ConfigurationError, match="zone is a name such as Europe/Moscow; got 'Mars'"):
        open_shop().neonpay.enable_alerts(quiet="22:00-08:00", zone="Mars")


@pytest.mark.parametrize("given", [{"quiet": "22:00-08:00"}, {"language": "ru"}])
def test_what_belongs_to_the_programs_own_notifications_is_refused_here(
    open_shop: Callable[..., Shop], given: dict[str, str]
) -> None:
    shop = open_shop()
    shop.neonpay.use(Notifications())
    with pytest.raises(ConfigurationError, match=f"give {next(iter(given))} there"):
        shop.neonpay.enable_alerts(admins=[1], **given)


@ONE_ENGINE
async def test_that_nobody_is_told_is_said_once_with_what_to_write(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    shop = open_shop()
    shop.neonpay.enable_alerts(sales=True, declined=True)
    await shop.neonpay.setup()
    (line,) = [one.getMessage() for one in caplog.records if one.name == "neonpay.notifications"]
    assert line.startswith("nobody is told by rules alerts, alerts.spoilt, alerts.sales, alerts.declined: ")
    assert "NEONPAY_ADMINS=123456789" in line
