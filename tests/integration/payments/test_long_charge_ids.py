"""Telegram promises no length for a charge id; one that fits into no key has a digest in its place."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.core.charge_ids import charge_key
from neonpay.core.payments import Charge, RefundNotice
from neonpay.ledger.tables import early_refunds, unexplained
from tests.integration.reconcile.test_rows_that_fail import Shop, shop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from tests.integration.conftest import MovableClock

    Query = Callable[..., Awaitable[list[tuple[Any, ...]]]]

__all__ = ["shop"]
LONG = random.Random(7).randbytes(1_500).hex()  # noqa: S311  # no secret
"""Random, because PostgreSQL compresses what it can."""


def paid(charge_id: str, payload: str, **fields: Any) -> Charge:
    return Charge(
        bot_id=42, charge_id=charge_id, user_id=7, amount=50, currency="XTR", payload=payload, paid_at_us=1, **fields
    )


@pytest.mark.parametrize("charge_id", [LONG, "ж" * 3_000, f"nul\0{LONG}", "half \udcff pair"])
async def test_a_payment_is_recorded_found_and_refunded_by_its_whole_id(shop: Shop, charge_id: str) -> None:
    payload = await shop.offers()
    payment = await shop.neonpay.program.pipeline.entrance.charged(paid(charge_id, payload))
    again = await shop.neonpay.program.pipeline.entrance.charged(paid(charge_id, payload))
    other = await shop.neonpay.program.pipeline.entrance.charged(paid(f"{charge_id}!", await shop.offers()))
    await shop.neonpay.program.drain()

    assert payment is not None
    assert other is not None
    assert (again, payment.telegram_charge_id, len(set(shop.delivered))) == (None, charge_id, 2)
    for name in (charge_id, payment.charge_id, payment.charge_id[:20]):
        assert await shop.neonpay.payments.find(name) == payment
    assert (await shop.neonpay.refund(charge_id)).state == "refunded"
    assert [call["telegram_payment_charge_id"] for call in shop.telegram.asked("refundStarPayment")] == [charge_id]
    assert [job.state for job in await shop.neonpay.jobs.of(charge_id)] == ["done", "done"]
    assert (await shop.neonpay.books.verify()).is_clean


async def test_such_a_charge_is_the_same_in_telegrams_list(shop: Shop, clock: MovableClock, query: Query) -> None:
    first, second = await shop.offers(), await shop.offers()
    await shop.neonpay.program.pipeline.entrance.charged(paid(LONG, first))
    await shop.neonpay.program.pipeline.entrance.charged(paid(f"forged{LONG}", await shop.offers()))
    clock.advance(1)
    shop.telegram.sells(LONG, first)
    shop.telegram.sells(f"lost{LONG}", second)
    report = await shop.reconcile()

    assert (report.recovered, report.unexplained) == (1, 1)
    assert await query(sa.select(unexplained.c.charge_id)) == [(charge_key(f"forged{LONG}"),)]
    assert (await shop.neonpay.payments.get(f"lost{LONG}")).telegram_charge_id == f"lost{LONG}"


async def test_a_refund_that_comes_first_finds_such_a_charge(shop: Shop, query: Query) -> None:
    payload = await shop.offers()
    notice = RefundNotice(bot_id=42, charge_id=LONG, user_id=7, amount=50, payload=payload)
    await shop.neonpay.program.pipeline.entrance.refunded(notice)
    assert await query(sa.select(early_refunds.c.charge_id)) == [(charge_key(LONG),)]
    payment = await shop.neonpay.program.pipeline.entrance.charged(paid(LONG, payload))

    assert payment is not None
    assert (payment.state, shop.delivered) == ("refunded", [])


async def test_a_buyer_asks_for_a_refund_by_the_id_in_their_receipt(shop: Shop) -> None:
    payload = await shop.offers()
    await shop.neonpay.program.pipeline.entrance.charged(paid(LONG, payload))
    request = await shop.neonpay.refunds.request(LONG, user_id=7)
    assert request.charge_id == charge_key(LONG)


async def test_a_subscription_is_ended_by_the_whole_id(shop: Shop) -> None:
    payload = await shop.offers()
    await shop.neonpay.program.pipeline.entrance.charged(
        paid(LONG, payload, is_recurring=True, is_first_recurring=True)
    )
    await shop.neonpay.subscriptions.cancel(LONG)
    (call,) = shop.telegram.asked("editUserStarSubscription")
    assert call["telegram_payment_charge_id"] == LONG
