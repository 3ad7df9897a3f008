"""What a command does is told by the program that runs within seconds, and not when it is time for the next sweep."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from neonpay.cli.main import app
from neonpay.core.clock import SystemClock
from neonpay.notifications import BuyerMessages, Notifications, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop


async def nothing(payment: Any) -> None:
    """There is nothing to deliver."""


def set_by_the_machine(clock: MovableClock) -> None:
    """A command has the clock of the machine."""
    clock.advance((SystemClock().now_us() - clock.now_us()) / 1_000_000)


async def test_a_refund_by_a_command_is_told_soon(
    open_shop: Callable[..., Shop], clock: MovableClock, database_url: str
) -> None:
    sold, runs = open_shop(), open_shop()
    owner = await sold.visitor("Olga")
    back = Rule(name="back", events=frozenset({"payment_refunded"}), recipients=(str(owner.id),))
    for shop in (sold, runs):
        shop.neonpay.on_payment(nothing)
        shop.neonpay.use(BuyerMessages())
        shop.neonpay.use(Notifications(rules=[back]))
    async with sold.polling():
        ann = await sold.visitor("Ann")
        outcome = await sold.sells(ann)
        await ann.hears(sold.account, containing="🧾")
    set_by_the_machine(clock)
    async with runs.neonpay:  # which hears nothing of Telegram, and so of no refund
        env = {
            "NEONPAY_DATABASE_URL": database_url,
            "NEONPAY_BOT_TOKEN": sold.account.token,
            "NEONPAY_API_URL": sold.telegram.base_url,
        }
        given = ["payments", "refund", outcome.charge_id or "", "--yes"]
        done = await asyncio.to_thread(CliRunner().invoke, app, given, env=env)
        assert done.exit_code == 0, done.output
        set_by_the_machine(clock)
        told = await ann.hears(sold.account, containing="↩️")
        assert told.text == "↩️ VIP: 50 Stars are back on your balance."
        assert "50 Stars" in ((await owner.hears(sold.account, containing="Refunded")).text or "")
