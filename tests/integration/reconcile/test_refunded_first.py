"""A lost charge whose refund stands further down in Telegram's list is recorded as refunded, and never delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables import early_refunds, jobs, payments
from tests.integration.reconcile.conftest import notes_deliveries
from tests.integration.reconcile.test_turns import Telegram, book, ledger, reconciler, taken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from neonpay.core.payments import RefundNotice
    from neonpay.ledger import Ledger
    from neonpay.store.periodic import PeriodicStore
    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.reconcile.conftest import SellUnseen

    Books = Callable[[], Awaitable[dict[str, float]]]
    Query = Callable[..., Awaitable[list[tuple[Any, ...]]]]

__all__ = ["book", "ledger"]
OURS = f"np1.{'x' * 40}"


@pytest.mark.parametrize("between", [0, 150])
async def test_a_lost_charge_that_was_refunded_is_not_delivered(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop], books: Books, query: Query, between: int
) -> None:
    outcome = await sells_unseen()
    shop = open_shop()
    delivered = notes_deliveries(shop)
    for _ in range(between):
        shop.telegram.treasury(shop.account).move("affiliate", 1)
    (payment,) = shop.telegram.payments(shop.account)
    await shop.bot.refund_star_payment(payment.user_id, payment.charge_id)

    report = await shop.neonpay.books.reconcile(grace_s=0)
    again = await shop.neonpay.books.reconcile(grace_s=0, afresh=True)
    await shop.neonpay.program.drain()

    assert delivered == []
    assert await query(sa.select(jobs.c.consumer)) == []
    assert (await shop.neonpay.payments.get(outcome.charge_id or "")).state == "refunded"
    assert (report.recovered, report.refunded, report.needs_attention, report.is_clean) == (1, 1, 0, True)
    assert (again.recovered, again.refunded, again.moved, again.is_clean) == (0, 0, 0, True)
    assert await books() == {"stars": between, "unsettled": 0} | ({"affiliate": -between} if between else {})
    assert await query(sa.select(early_refunds.c.charge_id)) == []
    assert (await shop.neonpay.books.verify()).is_clean


async def test_a_refund_whose_payment_is_still_on_its_way_is_kept_for_it(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop], clock: MovableClock, query: Query
) -> None:
    """One charge is lost and old enough; another one is too young to be recorded, and refunded already."""
    await sells_unseen()
    shop = open_shop()
    delivered = notes_deliveries(shop)
    first = shop.telegram.payments(shop.account)[0]
    await shop.telegram.advance(60)
    second = await sells_unseen()
    (young,) = [paid for paid in shop.telegram.payments(shop.account) if paid.charge_id == second.charge_id]
    await shop.bot.refund_star_payment(young.user_id, young.charge_id)
    clock.advance(young.paid_at.timestamp() - clock.now_us() / 1e6 + 1)

    early = await shop.neonpay.books.reconcile(grace_s=30)
    kept = await query(sa.select(early_refunds.c.charge_id))
    late = await shop.neonpay.books.reconcile(grace_s=0)
    await shop.neonpay.program.drain()

    assert (early.recovered, early.waiting, kept) == (1, 1, [(second.charge_id,)])
    assert (late.recovered, late.refunded, late.is_clean) == (1, 1, True)
    assert [result.transaction_id for result in delivered] == [first.charge_id]


def sale(telegram: Telegram, place: int, *, refunds: int | None = None) -> dict[str, Any]:
    """A row of a sale of ours, or of the refund of the one at another place."""
    row = telegram.row(place, type="user", transaction_type="invoice_payment", invoice_payload=OURS)
    if refunds is not None:
        row["id"], row["receiver"] = f"t{refunds}", row.pop("source")
    return row


async def test_a_list_of_lost_charges_is_read_ahead_once(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock
) -> None:
    telegram = Telegram(clock, 0)
    telegram.rows = [sale(telegram, place) for place in range(950)]
    charges: list[Any] = []
    report = await reconciler(ledger, clock, telegram, charges=charges, grace_s=0).walk(await taken(book))

    assert (len(charges), report.is_complete) == (950, True)
    assert sorted(telegram.pages) == sorted([*range(0, 1000, 100), *range(100, 1000, 100)])


async def test_refunds_are_kept_before_the_first_charge_is_recorded(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock
) -> None:
    telegram = Telegram(clock, 0)
    telegram.rows = [sale(telegram, place) for place in range(400)]
    telegram.rows += [sale(telegram, place, refunds=place - 400) for place in (401, 655, 770)]
    happened: list[str] = []

    async def refunded(notice: RefundNotice) -> None:
        happened.append(f"refunded {notice.charge_id}")

    async def charged(charge: Any) -> None:
        happened.append(f"charged {charge.charge_id}")

    compare = reconciler(ledger, clock, telegram, refunded=refunded, charged=charged, grace_s=0)
    await compare.walk(await taken(book))

    assert happened[:3] == ["refunded t1", "refunded t255", "refunded t370"]
    assert len([what for what in happened if what.startswith("charged")]) == 400


@pytest.mark.parametrize("pages_per_turn", [1, 3])
async def test_reading_ahead_goes_on_in_the_next_turn(
    ledger: Ledger, book: PeriodicStore, clock: MovableClock, pages_per_turn: int
) -> None:
    telegram = Telegram(clock, 0)
    telegram.rows = [sale(telegram, place) for place in range(950)]
    charges: list[Any] = []
    compare = reconciler(ledger, clock, telegram, charges=charges, grace_s=0, pages_per_turn=pages_per_turn)
    turns = 0
    while True:
        turn = await taken(book)
        next_in_s = await compare.work(turn)
        await book.end(turn, next_in_s=0)
        turns += 1
        if next_in_s is None:
            break
        assert turns < 40

    assert sorted(charge.charge_id for charge in charges) == sorted(f"t{place}" for place in range(950))
    assert len(telegram.pages) <= 2 * 10 + 2 * turns


async def test_a_refund_that_is_kept_is_forgotten_when_no_payment_can_come(
    open_shop: Callable[..., Shop], query: Query, clock: MovableClock
) -> None:
    from neonpay.core.payments import RefundNotice

    shop = open_shop()
    clock.advance(shop.telegram.clock.moment().timestamp() - clock.now_us() / 1e6)
    notice = RefundNotice(bot_id=shop.account.id, charge_id="made-up", user_id=7, amount=5, payload=OURS)
    await shop.neonpay.program.pipeline.entrance.refunded(notice)
    clock.advance(86_400)
    await shop.neonpay.books.reconcile()
    kept = await query(sa.select(early_refunds.c.charge_id))
    clock.advance(1)
    await shop.neonpay.books.reconcile()

    assert kept == [("made-up",)]
    assert await query(sa.select(early_refunds.c.charge_id)) == []
    assert await query(sa.select(payments.c.charge_id)) == []
