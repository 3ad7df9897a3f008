"""Handlers that mean harm: the payment is recorded, its neighbour delivered, the harm ends as a dead letter."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentContext, PaymentResult
from tests.failure.hostile.misdeeds import ANYWHERE, ENLISTED, HARMLESS, LOOT, WITH_A_CONNECTION, make_loot

if TYPE_CHECKING:
    from neonpay.simulator import Buyer, Outcome
    from tests.integration.conftest import MovableClock, Shop

_AT_MOST = 3


class Scene:
    """Ann, whose payments the hostile handler is after, and Bob, who pays at the same moment."""

    def __init__(self, shop: Shop, clock: MovableClock) -> None:
        self.shop = shop
        self.clock = clock
        self.victim = 0
        self.delivered: list[str | None] = []

        @shop.neonpay.on_payment(name="good")
        async def good(result: PaymentResult) -> None:
            self.delivered.append(result.transaction_id)

    async def plays(self) -> tuple[Outcome, Outcome]:
        """Both pay; the harm is done as often as it may; then Bob pays once more, and everything is looked at."""
        async with self.shop.polling(handle_as_tasks=True):
            ann, bob = await self.shop.visitor("Ann"), await self.shop.visitor("Bob")
            self.victim = ann.id
            outcomes = await asyncio.gather(self._buys(ann), self._buys(bob))
            await self._recorded(*outcomes)
            async with asyncio.timeout(100):
                while not await self.shop.neonpay.jobs.dead_letters():
                    self.clock.advance(7 * 3600)
            again = await self._buys(bob)
            await self._recorded(again)
            for outcome in (outcomes[1], again):
                await self.shop.delivers(outcome)
            await self._looks(outcomes[0])
            assert sorted(map(str, self.delivered)) == sorted(str(o.charge_id) for o in (*outcomes, again))
        return outcomes[0], outcomes[1]

    async def _buys(self, buyer: Buyer) -> Outcome:
        await self.shop.neonpay.send_payment(buyer.id, "vip")
        return await buyer.pays(await buyer.hears(self.shop.account, predicate=lambda m: m.invoice is not None))

    async def _recorded(self, *outcomes: Outcome) -> None:
        async with asyncio.timeout(100):
            while True:
                known = {payment.charge_id for payment in await self.shop.neonpay.payments.list(limit=9)}
                if {outcome.charge_id for outcome in outcomes} <= known:
                    return

    async def _looks(self, harmed: Outcome) -> None:
        jobs = {job.consumer: job for job in await self.shop.neonpay.jobs.of(harmed.charge_id or "")}
        hostile = jobs["handler:hostile"]
        assert (hostile.state, hostile.attempts) == ("dead", _AT_MOST), hostile
        assert hostile.error
        assert jobs["handler:good"].state == "done"
        await self.shop.fact("fulfilment_abandoned")
        proof = await self.shop.neonpay.books.verify()
        assert proof.is_clean, proof.findings


@pytest.fixture
async def scene(shop: Shop, clock: MovableClock, database_url: str, caplog: pytest.LogCaptureFixture) -> Scene:
    caplog.set_level(logging.CRITICAL + 1, logger="neonpay")  # pytest-xdist cannot report half of a surrogate pair
    await make_loot(database_url)
    return Scene(shop, clock)


@pytest.mark.parametrize("misdeed", ANYWHERE)
async def test_of_an_async_handler(scene: Scene, misdeed: str) -> None:
    @scene.shop.neonpay.on_payment(name="hostile", max_attempts=_AT_MOST)
    async def hostile(result: PaymentResult) -> Any:
        return ANYWHERE[misdeed](None) if result.user_id == scene.victim else None

    await scene.plays()


@pytest.mark.parametrize("misdeed", [*ANYWHERE, "KeyboardInterrupt"])
async def test_of_a_handler_in_a_thread(scene: Scene, misdeed: str) -> None:
    @scene.shop.neonpay.on_payment(name="hostile", max_attempts=_AT_MOST)
    def hostile(result: PaymentResult) -> Any:
        if result.user_id != scene.victim:
            return None
        if misdeed == "KeyboardInterrupt":
            raise KeyboardInterrupt
        return ANYWHERE[misdeed](None)

    await scene.plays()


@pytest.mark.parametrize("misdeed", [*ANYWHERE, *WITH_A_CONNECTION])
async def test_of_a_handler_with_the_transactions_connection(
    scene: Scene, misdeed: str, database_url: str, query: Callable[..., Any]
) -> None:
    if misdeed in HARMLESS[database_url.partition(":")[0].partition("+")[0]]:
        pytest.skip("it does no harm here")

    @scene.shop.neonpay.on_payment(name="hostile", max_attempts=_AT_MOST)
    def hostile(result: PaymentResult, connection: sa.Connection) -> Any:
        connection.execute(sa.insert(LOOT).values(charge_id=result.transaction_id, buyer=1))
        if result.user_id == scene.victim:
            return {**ANYWHERE, **WITH_A_CONNECTION}[misdeed](connection)
        return None

    harmed, unharmed = await scene.plays()
    written = {charge_id for (charge_id,) in await query(sa.select(LOOT.c.charge_id))}
    assert unharmed.charge_id in written
    if misdeed != "back door COMMIT":  # what is committed behind neonpay's back is
        assert harmed.charge_id not in written


@pytest.mark.parametrize("misdeed", ENLISTED)
async def test_of_an_enlisted_statement(
    scene: Scene, misdeed: str, database_url: str, query: Callable[..., Any]
) -> None:
    if misdeed in HARMLESS[database_url.partition(":")[0].partition("+")[0]]:
        pytest.skip("it does no harm here")

    @scene.shop.neonpay.on_payment(name="hostile", max_attempts=_AT_MOST)
    async def hostile(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.enlist(sa.insert(LOOT), {"charge_id": result.transaction_id, "buyer": 1})
        if result.user_id == scene.victim:
            ctx.enlist(ENLISTED[misdeed])

    harmed, unharmed = await scene.plays()
    written = {charge_id for (charge_id,) in await query(sa.select(LOOT.c.charge_id))}
    assert unharmed.charge_id in written
    assert harmed.charge_id not in written
