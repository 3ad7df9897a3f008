"""Two who ask this process for one refund, when the database's answer comes late to one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from neonpay import PaymentResult
from neonpay.app import house
from neonpay.ledger import Ledger, open_ledger

if TYPE_CHECKING:
    from neonpay.core.payments import Refund
    from tests.integration.conftest import Shop

T = TypeVar("T")


class LateLedger:
    """A real ledger whose answers reach some tasks only when the test says so; what they wrote is there before."""

    def __init__(self, inner: Ledger) -> None:
        self._inner = inner
        self._late: set[asyncio.Task[Any]] = set()
        self.is_kept = asyncio.Event()
        self.is_answered = asyncio.Event()
        self.asked = 0

    def begin(self, work: Coroutine[Any, Any, T], *, late: bool = False) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._late |= {task} if late else set()
        return task

    async def run(self, unit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.asked += 1
        outcome = await self._inner.run(unit, *args, **kwargs)
        if asyncio.current_task() in self._late:
            self.is_kept.set()
            await self.is_answered.wait()
        return outcome

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture
async def late(monkeypatch: pytest.MonkeyPatch) -> list[LateLedger]:
    made: list[LateLedger] = []

    def opened(*args: Any, **kwargs: Any) -> LateLedger:
        made.append(LateLedger(open_ledger(*args, **kwargs)))
        return made[-1]

    monkeypatch.setattr(house, "open_ledger", opened)
    return made


@pytest.fixture
async def sold(late: list[LateLedger], open_shop: Callable[..., Shop]) -> AsyncIterator[tuple[Shop, LateLedger, str]]:
    """A running shop that has sold something, its ledger, and the charge."""
    shop = open_shop()

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor("Ann", stars=80))
        yield shop, late[0], outcome.charge_id or ""


def states(*refunds: Refund) -> list[str]:
    return [refund.state.value for refund in refunds]


async def test_who_asks_while_the_first_one_waits_for_its_answer_waits_for_the_stars_as_well(
    sold: tuple[Shop, LateLedger, str],
) -> None:
    shop, ledger, charge_id = sold
    first = ledger.begin(shop.neonpay.refund(charge_id), late=True)
    await ledger.is_kept.wait()
    before = ledger.asked
    second = ledger.begin(shop.neonpay.refund(charge_id))
    for _ in range(10):
        await asyncio.sleep(0)
    if ledger.asked > before:  # it has asked already, and gets its answer first
        await asyncio.wait({second})
    ledger.is_answered.set()

    assert states(await first, await second) == ["refunded", "refunded"]
    await shop.settles()


async def test_who_hears_late_that_another_is_at_it_tells_how_it_ended(sold: tuple[Shop, LateLedger, str]) -> None:
    shop, ledger, charge_id = sold
    first = ledger.begin(shop.neonpay.refund(charge_id))
    second = ledger.begin(shop.neonpay.refund(charge_id), late=True)
    await asyncio.wait({first})
    ledger.is_answered.set()

    assert states(await first, await second) == ["refunded", "refunded"]
    await shop.settles()
