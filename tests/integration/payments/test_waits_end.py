"""Nobody waits longer than they said for a database that does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from neonpay.core.payments import Charge
from neonpay.errors import LedgerUnavailableError
from tests.integration.conftest import Shop
from tests.integration.ledger.proxy import Proxy

LONG_S = 25
CHARGE = Charge(
    bot_id=1,
    charge_id="charge",
    user_id=1,
    amount=50,
    currency="XTR",
    payload="nobody's",
    paid_at_us=1_790_000_000_000_000,
)


@pytest.fixture
async def proxy(postgres_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(postgres_url) as proxy:
        yield proxy


@pytest.fixture
def database_url(proxy: Proxy) -> str:
    return proxy.url


async def test_a_charge_is_given_up_when_patience_ends(
    proxy: Proxy, shop: Shop, open_shop: Callable[..., Shop]
) -> None:
    shop = open_shop(patience_s=1.0, grace_s=0.5)
    await shop.neonpay.setup()
    proxy.black_out()
    charge = replace(CHARGE, bot_id=shop.account.id)
    async with asyncio.timeout(LONG_S):
        with pytest.raises(LedgerUnavailableError, match="did not answer within 1 s"):
            await shop.neonpay.program.pipeline.entrance.charged(charge)
    assert proxy.is_black


async def test_a_shop_closes_although_the_database_does_not_answer(
    proxy: Proxy, open_shop: Callable[..., Shop]
) -> None:
    shop = open_shop(patience_s=1000.0, grace_s=0.2, reconcile_every_s=0.05)
    await shop.neonpay.setup()
    proxy.black_out()
    charging = asyncio.create_task(
        shop.neonpay.program.pipeline.entrance.charged(replace(CHARGE, bot_id=shop.account.id))
    )
    await asyncio.sleep(0.1)
    async with asyncio.timeout(LONG_S):
        await shop.neonpay.close()
    assert proxy.is_black
    charging.cancel()
    await asyncio.gather(charging, return_exceptions=True)


async def test_a_charge_that_was_given_up_is_recorded_when_telegram_tells_of_it_again(
    proxy: Proxy, open_shop: Callable[..., Shop]
) -> None:
    shop = open_shop(patience_s=0.1)
    await shop.neonpay.setup()
    proxy.black_out()
    charge = replace(CHARGE, bot_id=shop.account.id)
    with pytest.raises(LedgerUnavailableError):
        await shop.neonpay.program.pipeline.entrance.charged(charge)
    proxy.light_up()
    async with asyncio.timeout(100):
        while not await shop.neonpay.payments.list():
            try:
                await shop.neonpay.program.pipeline.entrance.charged(charge)
            except LedgerUnavailableError:
                continue
    assert [payment.charge_id for payment in await shop.neonpay.payments.list()] == ["charge"]
