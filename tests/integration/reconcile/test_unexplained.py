"""A payment that Telegram's list does not have is found, whatever the clock of the worker that recorded it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import uuid_utils

from neonpay.core.clock import moment
from neonpay.core.payments import Charge
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.tables import payments, recorded_since
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
    await shop.neonpay.pipeline.charged(forged("made-up", await shop.offers()))
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
            told.append(await shop.neonpay.pipeline.charged(forged("late", payload)))
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
        await shop.neonpay.pipeline.charged(forged(f"f{number}", await shop.offers()))
    clock.advance(1)
    ledger = shop.neonpay.pipeline.ledger

    def found(transaction: Transaction) -> tuple[bool, int]:
        more, facts = examine_payments(transaction, 42, clock.now_us(), clock.now_us(), most=2)
        return more, len(facts)

    assert [await ledger.run(found) for _ in range(3)] == [(True, 2), (False, 1), (False, 0)]


async def test_unlisted_and_recent_payments_are_ranges_of_one_index(database_url: str) -> None:
    of_bot = sa.select(payments.c.charge_id).where(payments.c.bot_id == 42)
    of_bot = of_bot.order_by(payments.c.is_listed, payments.c.recorded_at)
    unlisted = sa.and_(payments.c.is_listed.is_(None), payments.c.recorded_at < moment(5))
    queries = [of_bot.where(one) for one in (unlisted, *recorded_since(moment(5)))]
    explain = "EXPLAIN QUERY PLAN" if database_url.startswith("sqlite") else "EXPLAIN"

    def plans(transaction: Transaction) -> list[str]:
        if not database_url.startswith("sqlite"):
            transaction.connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
            transaction.connection.execute(sa.text("SET LOCAL enable_sort = off"))
        connection = transaction.connection
        texts = [query.compile(connection, compile_kwargs={"literal_binds": True}) for query in queries]
        return [str(connection.execute(sa.text(f"{explain} {text}")).all()) for text in texts]

    ledger = open_ledger(database_url)
    try:
        for plan in await ledger.run(plans):
            assert "neonpay_payments_by_time" in plan
            assert "SORT" not in plan.upper().replace("SORTED", "")
            assert "B-TREE" not in plan
    finally:
        await ledger.close()
