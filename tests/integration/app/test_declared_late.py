"""What a program declares after its shop has started."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from neonpay.core.payments import PaymentResult, PreCheckout
from neonpay.errors import HandlerError
from tests.integration.conftest import VIP, Shop


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


async def test_a_stage_that_nobody_delivers_is_told_when_the_shop_starts(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    shop = open_shop()
    shop.neonpay.create_payment_stage("gold", VIP)
    shop.neonpay.on_payment(stage="vip", name="deliver")(lambda result: None)
    await shop.neonpay.setup()
    (line,) = warnings(caplog)
    assert line.startswith("nobody in this shop delivers: gold.")
    assert "@neonpay.on_payment" in line


async def test_a_shop_that_delivers_everything_says_nothing(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(name="deliver")(lambda result: None)
    await shop.neonpay.setup()
    assert warnings(caplog) == []


async def test_a_late_handler_that_cannot_be_called_is_refused_before_anybody_pays(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    await shop.neonpay.setup()

    def deliver(result: PaymentResult, session: object) -> None: ...

    with pytest.raises(HandlerError, match="asks for 'session'"):
        shop.neonpay.on_payment(deliver)


async def test_a_checkout_hook_that_comes_too_late_is_told_of(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(name="deliver")(lambda result: None)
    await shop.neonpay.setup()

    @shop.neonpay.on_pre_checkout
    async def is_grown_up(query: PreCheckout) -> bool:
        return True

    (line,) = warnings(caplog)
    assert "is_grown_up) is declared after the shop has started" in line
