"""Extensions that mean harm: what was paid is recorded and delivered, and a sale that cannot be looked at is not made."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

import pytest

from neonpay import PaymentResult
from neonpay.errors import LedgerError, SaleRefused
from neonpay.payments.extension import Claim, Extension, Lent, SendBack, Settlement
from tests.failure.hostile.misdeeds import ANYWHERE, WITH_A_CONNECTION, Misdeed
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from neonpay.payments.gates import Refusal
    from neonpay.simulator import Buyer, Outcome
    from tests.integration.conftest import MovableClock, Shop


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL + 1, logger="neonpay")  # pytest-xdist cannot report half of a surrogate pair


def harm(misdeed: Misdeed, lent: Lent) -> Any:
    outcome = misdeed(lent.connection)
    if inspect.iscoroutine(outcome):
        outcome.close()  # a hook that is a coroutine function returns one, which nobody awaits
    return outcome


class Settles(Extension):
    name = "hostile"

    def __init__(self, misdeed: Misdeed) -> None:
        self.misdeed = misdeed
        self.victim = 0
        self.harmed = 0

    def settle(self, transaction: Lent, payments: Sequence[Settlement]) -> Mapping[str, SendBack]:
        if any(one.payment.user_id == self.victim for one in payments):
            self.harmed += 1
            return harm(self.misdeed, transaction)  # type: ignore[no-any-return]
        return {}


class Holds(Extension):
    name = "hostile"

    def __init__(self, misdeed: Misdeed) -> None:
        self.misdeed = misdeed
        self.victim = 0

    def hold(self, transaction: Lent, claims: Sequence[Claim]) -> Mapping[str, Refusal]:
        if any(one.user_id == self.victim for one in claims):
            return harm(self.misdeed, transaction)  # type: ignore[no-any-return]
        return {}


async def buys(shop: Shop, buyer: Buyer) -> Outcome:
    await shop.neonpay.send_payment(buyer.id, "vip")
    return await buyer.pays(await buyer.hears(shop.account, predicate=lambda m: m.invoice is not None))


@pytest.mark.parametrize("misdeed", [*ANYWHERE, *WITH_A_CONNECTION])
async def test_of_an_extension_that_settles(open_shop: Callable[..., Shop], clock: MovableClock, misdeed: str) -> None:
    shop = open_shop(patience_s=20)
    delivered: list[str | None] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result.transaction_id)

    hostile = shop.neonpay.use(Settles({**ANYWHERE, **WITH_A_CONNECTION}[misdeed]))
    async with shop.polling(handle_as_tasks=True):
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        hostile.victim = ann.id
        outcomes = [*await asyncio.gather(buys(shop, ann), buys(shop, bob)), await buys(shop, bob)]
        async with asyncio.timeout(100):
            while len(await shop.neonpay.payments.list()) < 3:
                await between_looks()
            while len(set(delivered)) < 3:
                before = len(delivered)
                for _ in range(20):  # or a lease would end, by the clock, under a worker that has just taken it
                    await shop.neonpay.program.drain()
                    await shop.neonpay.jobs.of(outcomes[0].charge_id or "")
                if len(delivered) == before:
                    clock.advance(
                        60
                    )  # what was leased when a transaction was ended behind neonpay's back is free again
        assert hostile.harmed
        await shop.neonpay.refund(outcomes[0].charge_id or "")
        await shop.fact("payment_refunded")
        assert ann.stars == 1000
        assert (await shop.neonpay.books.verify()).is_clean
    assert sorted(map(str, delivered)) == sorted(str(outcome.charge_id) for outcome in outcomes)


@pytest.mark.parametrize("misdeed", [*ANYWHERE, *WITH_A_CONNECTION])
async def test_of_an_extension_that_holds(shop: Shop, misdeed: str) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    hostile = shop.neonpay.use(Holds({**ANYWHERE, **WITH_A_CONNECTION}[misdeed]))
    async with shop.polling(handle_as_tasks=True):
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        link = await shop.neonpay.create_payment_link("vip")
        hostile.victim = ann.id
        hers, his = await asyncio.gather(ann.pays(link.link or ""), bob.pays(link.link or ""))
        assert (hers.status, his.status) == ("declined", "paid")
        with pytest.raises((SaleRefused, LedgerError)):
            await shop.neonpay.send_payment(ann.id, "vip")
        assert ann.stars == 1000
