"""Two programs of one shop whose rules have one name and are about different events: each tells of its own."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from neonpay.ledger.tables import jobs
from neonpay.notifications import Notifications, NotificationType, Rule
from tests.integration.notifications.conftest import as_time_passes

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.notifications.conftest import Receiver

ABOUT = sa.select(jobs.c.state).where(jobs.c.consumer == "notifications:told")


async def nothing(payment: Any) -> None:
    """There is nothing to deliver."""


def telling(shop: Shop, receiver: Receiver, *events: str) -> Shop:
    rule = Rule(
        name="told", events=frozenset(events), channel=NotificationType.WEBHOOK, recipients=(f"{receiver.url}/hook",)
    )
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(Notifications(rules=[rule]))
    return shop


def told(receiver: Receiver) -> list[str]:
    return [json.loads(post.body)["type"] for post in receiver.got]


async def until(clock: MovableClock, is_so: Callable[[], bool]) -> None:
    """While a second goes by again and again."""
    async with asyncio.timeout(60):
        while not is_so():
            clock.advance(1)
            await asyncio.sleep(0.01)


async def all_done(clock: MovableClock, query: Callable[..., Any]) -> None:
    """No job of the rule is left."""
    async with asyncio.timeout(60):
        while set(await query(ABOUT)) != {("done",)}:
            clock.advance(1)


async def test_each_tells_of_its_own(
    open_shop: Callable[..., Shop],
    receiver_of: Callable[[], AbstractAsyncContextManager[Receiver]],
    clock: MovableClock,
    query: Callable[..., Any],
) -> None:
    async with receiver_of() as of_the_bot, receiver_of() as of_the_panel:
        bot = telling(open_shop(), of_the_bot, "payment_completed")
        panel = telling(open_shop(), of_the_panel, "invoice_created", "payment_refunded")
        async with bot.polling(), panel.neonpay:
            ann = await bot.visitor("Ann")
            for _ in range(3):
                await bot.sells(ann)
            await as_time_passes(clock, of_the_bot.has(3))
            await as_time_passes(clock, of_the_panel.has(3))
            await all_done(clock, query)
    assert told(of_the_bot) == ["payment_completed"] * 3
    assert told(of_the_panel) == ["invoice_created"] * 3


async def test_a_release_that_names_other_events_starts_beside_the_one_before(
    open_shop: Callable[..., Shop],
    receiver_of: Callable[[], AbstractAsyncContextManager[Receiver]],
    clock: MovableClock,
    query: Callable[..., Any],
) -> None:
    async with receiver_of() as before, receiver_of() as after:
        old = telling(open_shop(), before, "payment_completed", "invoice_created")
        new = telling(open_shop(), after, "payment_completed", "payment_delivered")
        ann = await old.visitor("Ann")
        await old.neonpay.setup()
        async with new.polling():
            await new.sells(ann)  # both are at work
            await until(clock, lambda: "invoice_created" in told(before))
            await until(clock, lambda: len(told(after) + told(before)) == 3)
            await old.neonpay.close()
            clock.advance(16 * 60)
            await new.sells(ann)  # nobody names invoice_created any more
            await until(clock, lambda: len(told(after) + told(before)) == 5)
            await all_done(clock, query)
    both = ["invoice_created", "payment_completed", "payment_completed", "payment_delivered", "payment_delivered"]
    assert sorted(told(after) + told(before)) == both
    assert "invoice_created" not in told(after)
