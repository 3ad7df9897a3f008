"""What goes out together and does not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiohttp import web

from neonpay.ledger.tables_notifications import notification_attempts, notifications
from neonpay.notifications import NotificationConfig, Notifications, NotificationType, Rule
from neonpay.notifications.sender import MAX_ATTEMPTS
from tests.integration.notifications.conftest import as_time_passes
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.notifications.conftest import Receiver

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter
ROW = notifications.c


async def nothing(payment: Any) -> None:
    """There is nothing to deliver."""


def gathering(receiver: Receiver) -> Notifications:
    rule = Rule(name="sold", events=frozenset({"payment_completed"}), channel=NotificationType.SLACK, gather_s=300)
    return Notifications(NotificationConfig(slack_webhook_url=receiver.url), rules=[rule])


async def until(query: Callable[..., Any], select: sa.Select[Any], count: int) -> list[tuple[Any, ...]]:
    """The rows, once there are so many."""
    found: list[tuple[Any, ...]] = []
    while len(found) < count:
        await between_looks()
        found = await query(select)
    return found


async def test_what_was_refused_together_is_a_dead_letter_each(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any], clock: MovableClock
) -> None:
    receiver.answers += [web.Response(status=410)]
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(gathering(receiver))
    async with shop.polling():
        ann = await shop.visitor("Ann")
        for _ in range(3):
            await shop.sells(ann)
        await until(query, sa.select(ROW.note_id), 3)
        clock.advance(301)
        await as_time_passes(clock, receiver.has(1))
        rows = await until(query, sa.select(ROW.state, ROW.error).where(ROW.state != "waiting"), 3)
    assert rows == [("dead", "slack: answered 410")] * 3
    tried = notification_attempts.c
    assert await query(sa.select(tried.attempt, tried.error)) == [(1, "slack: answered 410")] * 3


async def test_what_came_late_to_those_that_are_given_up_goes_on(
    open_shop: Callable[..., Shop], receiver: Receiver, query: Callable[..., Any], clock: MovableClock
) -> None:
    receiver.answers += [web.Response(status=503) for _ in range(MAX_ATTEMPTS)]
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    shop.neonpay.use(gathering(receiver))
    tried = notification_attempts.c
    async with shop.polling():
        ann = await shop.visitor("Ann")
        await shop.sells(ann)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            if attempt == MAX_ATTEMPTS:
                await shop.sells(ann)
                await until(query, sa.select(ROW.note_id), 2)
            clock.advance(3601)
            await as_time_passes(clock, until(query, sa.select(tried.attempt).where(tried.attempt == attempt), 1))
        early = await until(query, sa.select(ROW.state, ROW.attempts).where(ROW.state != "waiting"), 1)
        late = await query(sa.select(ROW.state, ROW.attempts, ROW.error).where(ROW.state == "waiting"))
        clock.advance(3601)
        await as_time_passes(clock, until(query, sa.select(ROW.note_id).where(ROW.state == "sent"), 1))
    assert early == [("dead", MAX_ATTEMPTS)]
    assert late == [("waiting", 1, "slack: answered 503")]
    assert b"\xc3\x97 2" not in receiver.got[-1].body
