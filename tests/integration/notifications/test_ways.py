"""Programs of one shop that tell in different ways say so, at the start and while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from neonpay.notifications import NotificationConfig, Notifications
from neonpay.notifications import extension as extensions

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop

ADMIN_BOT = NotificationConfig(telegram_bot_token="222:" + "A" * 35)
WORDS = "another program of this shop tells in other ways: "


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage().removeprefix(WORDS) for one in caplog.records if one.getMessage().startswith(WORDS)]


async def test_a_program_that_differs_from_one_at_work_says_in_what(
    open_shop: Callable[..., Shop], clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    first, like, other, later = (open_shop() for _ in range(4))
    first.neonpay.enable_alerts(admins=[7])
    like.neonpay.enable_alerts(admins=[7])
    other.neonpay.enable_alerts(ADMIN_BOT, admins=[7], sales=True, language="ru", quiet="22:00-08:00")
    later.neonpay.use(Notifications(ADMIN_BOT, language_code="ru"))
    await first.neonpay.setup()
    await like.neonpay.setup()
    assert said(caplog) == []
    await other.neonpay.setup()
    assert [line.partition(".")[0] for line in said(caplog)] == ["telegram, language, quiet, rules"]
    assert "A" * 35 not in caplog.text
    for shop in (first, like, other):
        await shop.neonpay.close()
    clock.advance(1)
    await later.neonpay.setup()  # whoever has stopped tells nothing
    assert len(said(caplog)) == 1


async def test_a_program_at_work_says_that_one_which_differs_has_come(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extensions, "STAND_BY_S", 0.01)
    first, other = open_shop(), open_shop()
    first.neonpay.enable_alerts(admins=[7])
    other.neonpay.enable_alerts(admins=[8])
    await first.neonpay.setup()
    await other.neonpay.setup()
    while len(said(caplog)) < 2:
        await other.neonpay.payments.history(7)
    assert [line.partition(".")[0] for line in said(caplog)] == ["rules", "rules"]
