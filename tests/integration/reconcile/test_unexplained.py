"""A payment that Telegram's list does not have is found, whatever the clock of the worker that recorded it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import uuid_utils

from neonpay.core.payments import Charge
from neonpay.ledger import Transaction
from neonpay.reconcile.transaction_entries import examine_payments
from tests.integration.reconcile.test_rows_that_fail import Shop, shop

if TYPE_CHECKING:
    import pytest

    from tests.integration.conftest import MovableClock

__all__ = ["shop"]
_HOUR_MS = 3_600_000


def forged(charge_id: str, payload: str) -> Charge:
    return Charge(
        bot_id=42, charge_id=charge_id, user_id=7, amount=50, currency="XTR", payload=payload, paid_at_us=1_790_000_000
    )


async def test_a_worker_with_a_slow_clock_hides_no_forged_payment(
    shop: Shop, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.telegram.sells("real", await shop.offers())
    assert (await shop.reconcile()).is_clean
    now = uuid_utils.uuid7
    monkeypatch.setattr("uuid_utils.uuid7", lambda: uuid_utils.UUID(int=now().int - (_HOUR_MS << 80)))
    await shop.neonpay.program.pipeline.entrance.charged(forged("made-up", await shop.offers()))
    clock.advance(1)
    report = await shop.reconcile()
    again = await shop.reconcile()

    assert (report.unexplained, report.unexplained_charges) == (1, ("made-up",))
    assert again.unexplained == 1


async def test_a_payment_that_is_recorded_during_the_walk_is_looked_for_by_the_next_one(
    shop: Shop, clock: MovableClock
) -> None:
    payload = await shop.offers()
    shop.telegram.sells("real", await shop.offers())
    ask = shop.telegram.call

    async def call(method: str, params: Any) -> Any:
        if method == "getMyStarBalance" and not told:
            told.append(await shop.neonpay.program.pipeline.entrance.charged(forged("late", payload)))
        return await ask(method, params)

    told: list[Any] = []
    shop.telegram.call = call  # type: ignore[method-assign]  # Telegram is the test's own
    first = await shop.reconcile()
    clock.advance(1)
    shop.telegram.sells("late", payload)
    second = await shop.reconcile()

    assert (first.unexplained, first.is_clean) == (0, True)
    assert (second.unexplained, second.is_clean) == (0, True)


async def test_many_forged_payments_are_found_a_bounded_number_at_a_time(shop: Shop, clock: MovableClock) -> None:
    await shop.neonpay.setup()
    for number in range(1, 4):
        await shop.neonpay.program.pipeline.entrance.charged(forged(f"f{number}", await shop.offers()))
    clock.advance(1)
    ledger = shop.neonpay.program.pipeline.ledger

    await shop.neonpay.books.seal()
    after = 0

    def found(transaction: Transaction) -> int:
        nonlocal after
        examined = examine_payments(transaction, 42, after, clock.now_us(), clock.now_us(), most=2)
        after = examined.number
        return len(examined.found)

    counts = []
    while True:
        before = after
        counts.append(await ledger.run(found))
        if after == before:
            break
    assert sum(counts) == 3
    assert max(counts) <= 2
