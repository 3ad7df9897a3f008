"""What waited for the end of quiet hours comes together, but for what an owner decides by a button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables_notifications import notifications
from tests.integration.notifications.conftest import as_time_passes
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter


async def fails(payment: Any) -> None:
    raise RuntimeError("no more of it")


def deeds(message: Any) -> list[str]:
    markup = message.reply_markup
    return [] if markup is None else [button.text for row in markup.inline_keyboard for button in row]


async def held(query: Callable[..., Any], count: int) -> None:
    """Wait until so many messages are held back."""
    while len(await query(sa.select(notifications.c.note_id).where(notifications.c.gathered.is_not(None)))) < count:
        await between_looks()


async def test_what_is_decided_by_a_button_comes_alone_and_with_it_after_quiet_hours(
    open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock
) -> None:
    shop = open_shop()
    owner, ann = await shop.visitor("Olga"), await shop.visitor("Ann")
    shop.neonpay.on_payment(fails, max_attempts=1)
    shop.neonpay.enable_alerts(admins=[owner.id], sales=True, quiet="12:00-18:00", zone="UTC")
    async with shop.polling():
        for _ in range(2):
            await shop.sells(ann)
        await held(query, 4)
        clock.advance(4 * 3600)
        told = [await as_time_passes(clock, owner.hears(shop.account)) for _ in range(3)]
    decided = [message for message in told if "given up" in (message.text or "")]
    assert [deeds(message) for message in decided] == [["Try again", "Give back"]] * 2
    (together,) = [message for message in told if message not in decided]
    assert (together.text or "").startswith("💫 Sold × 2")


async def test_whoever_ends_their_quiet_is_told_of_it_at_once(
    open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock
) -> None:
    shop = open_shop()
    owner, ann = await shop.visitor("Olga"), await shop.visitor("Ann")
    shop.neonpay.on_payment(fails, max_attempts=1)
    shop.neonpay.enable_alerts(admins=[owner.id])
    async with shop.polling():
        await owner.says("/mute 1d", to=shop.account)
        await owner.hears(shop.account, containing="Quiet until")
        await shop.sells(ann)
        await held(query, 1)
        await owner.says("/mute off", to=shop.account)
        told = await as_time_passes(clock, owner.hears(shop.account, containing="given up"))
    assert deeds(told) == ["Try again", "Give back"]
