"""When a message leaves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from neonpay.notifications import NotificationManager, NotificationMessage, NotificationType, extension
from neonpay.payments import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop
    from tests.integration.notifications.conftest import Receiver


async def nothing(payment: object) -> None:
    """There is nothing to deliver."""


@pytest.fixture
def never_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "PeriodicRunner", partial(pipeline.PeriodicRunner, poll_s=1_000_000))
    monkeypatch.setattr(extension, "_LOOK_S", 1_000_000)


@pytest.mark.usefixtures("never_looks_by_itself")
async def test_what_is_queued_leaves_at_once_and_so_does_what_comes_meanwhile(
    open_shop: Callable[..., Shop], receiver: Receiver
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(nothing)
    owner = await shop.visitor("Owner")
    manager = NotificationManager(notifications=shop.neonpay.enable_alerts(admins=[owner.id], sales=True))
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        await owner.hears(shop.account, containing="Sold")
        for number in range(1, 4):
            message = NotificationMessage(NotificationType.WEBHOOK, receiver.url, "hello", str(number))
            await manager.send_notification(message)
            await receiver.has(number)
