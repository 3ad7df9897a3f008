"""``neonpay subscriptions``: who pays every month, and ending that from a shell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from tests.integration.cli.conftest import Command

if TYPE_CHECKING:
    from tests.integration.conftest import Shop

_MONTHLY = {"subscription_period": SUBSCRIPTION_PERIOD_S}


@pytest.fixture
async def sold(shop: Shop, database_url: str) -> Command:
    """The command on the ledger of a shop with two subscribers, of whom Bob has paid two periods and has cancelled."""
    shop.neonpay.on_payment(name="deliver")(_deliver)
    charges: dict[str, str] = {}
    async with shop.polling():
        for name in ("Bob", "Ann"):
            buyer = await shop.visitor(name)
            link = await shop.neonpay.create_payment_link("vip", options=_MONTHLY)
            charges[name] = (await buyer.pays(link.link or "")).charge_id or ""
            await shop.settles()
            if name == "Bob":
                await shop.telegram.advance(SUBSCRIPTION_PERIOD_S)
                await shop.settles()
                await buyer.cancels_subscription(charges[name])
                await shop.settles()
                await shop.telegram.advance(60)
    await shop.neonpay.close()
    return Command(shop, database_url, charges)


async def listed(command: Command, *options: str) -> list[dict[str, Any]]:
    return list(await command.json("subscriptions", "list", *options))


async def test_a_subscription_is_listed_once_whatever_was_paid_for_it(sold: Command) -> None:
    ann, bob = await listed(sold)
    assert [(one["stage_id"], one["price_stars"], one["payments_count"]) for one in (ann, bob)] == [
        ("vip", 50, 1),
        ("vip", 50, 2),
    ]
    assert (ann["charge_id"], ann["state"], bob["state"]) == (sold.charges["Ann"], "active", "canceled")
    assert bob["since"] < bob["paid_until"]
    assert [one["user_id"] for one in await listed(sold, "--state", "canceled")] == [bob["user_id"]]
    assert await listed(sold, "--state", "ended") == []
    assert await listed(sold, "--stage", "poster") == []
    assert len(await listed(sold, "--user", str(ann["user_id"]))) == 1
    people = (await sold("subscriptions", "list", "--limit", "1")).stdout
    assert people.endswith("\nSubscriptions: 1 of 2\n")
    assert "were offered: vip." in (await sold("subscriptions", "list", "--user", "1")).stdout


async def test_a_subscription_is_ended_and_not_ended_again(sold: Command) -> None:
    options = ("--api-url", sold.shop.telegram.base_url)
    ended = await sold("subscriptions", "cancel", sold.charges["Ann"][:12], *options, **sold.with_token)
    assert (ended.exit_code, "to vip ends with its paid period." in ended.stdout) == (0, True)
    assert {one["state"] for one in await listed(sold)} == {"canceled"}
    again = await sold("subscriptions", "cancel", sold.charges["Ann"][:12], *options, **sold.with_token)
    assert (again.exit_code, again.stdout) == (3, "")
    assert "is canceled already, and nothing was changed; active: none" in again.stderr
    allowed = await sold("subscriptions", "allow", sold.charges["Ann"][:12], *options, **sold.with_token)
    assert "may be taken up again by its buyer." in allowed.stdout


async def test_what_nobody_has_cancelled_is_not_allowed_again(sold: Command) -> None:
    options = ("--api-url", sold.shop.telegram.base_url)
    refused = await sold("subscriptions", "allow", sold.charges["Ann"], *options, **sold.with_token)
    assert refused.exit_code == 3
    assert "is active already, and nothing was changed; canceled: stx" in refused.stderr


async def test_only_telegram_ends_a_subscription(sold: Command) -> None:
    told = await asyncio.wait_for(sold("subscriptions", "cancel", sold.charges["Ann"]), 100)
    assert told.exit_code == 3
    assert "set NEONPAY_BOT_TOKEN or give --token-file" in told.stderr


async def _deliver() -> None: ...
