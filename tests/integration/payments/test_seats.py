"""A stage that sells a limited number of times: who is let through to pay, until when, and what happens to one too many."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiogram.types import Update

from neonpay import PaymentResult, PaymentStage
from neonpay.core.clock import SystemClock
from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from neonpay.core.payments import NO_SEAT, PreCheckout
from neonpay.ledger.tables import events, holds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from neonpay.simulator import Buyer, Outcome
    from tests.integration.conftest import MovableClock, Shop

BEING_PAID = "This invoice is being paid right now. Please try again in a minute."
ALREADY_PAID = "This invoice has been paid already."


class OffsetClock(SystemClock):
    """The clock of a machine that goes wrong by some seconds; PostgreSQL has its own and goes by that."""

    def __init__(self, offset_s: float = 0) -> None:
        self.offset_s = offset_s

    def now_us(self) -> int:
        return super().now_us() + int(self.offset_s * 1_000_000)


def sells_seats(shop: Shop, seats: int, **more: Any) -> list[PaymentResult]:
    """The shop sells so many seats; what it has delivered."""
    stage = PaymentStage(title="Seat", description="One seat", price=30, max_payments=seats, **more)
    shop.neonpay.create_payment_stage("seat", stage)
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    return delivered


def told(shop: Shop, kind: str) -> list[dict[str, Any]]:
    """The updates of a kind that the bot was told of, or would be if it asked."""
    bodies: list[dict[str, Any]] = [update.body for update in shop.telegram.updates(shop.account)]
    return [body for body in bodies if kind in body or kind in body.get("message", {})]


async def feed(bodies: Sequence[dict[str, Any]], *workers: Shop) -> None:
    """All updates at the same moment, dealt out to the workers."""
    updates = [Update.model_validate(body) for body in bodies]
    await asyncio.gather(
        *(
            workers[number % len(workers)].dispatcher.feed_update(workers[number % len(workers)].bot, update)
            for number, update in enumerate(updates)
        )
    )


async def all_pay(link: str, buyers: Sequence[Buyer], *workers: Shop) -> list[Outcome]:
    """How the checkouts of all these people end, who press Pay in the same moment."""
    first = workers[0]
    known = len(told(first, "pre_checkout_query"))
    begun = [await buyer.begins_to_pay(link) for buyer in buyers]
    await feed(told(first, "pre_checkout_query")[known:], *workers)
    return [await checkout.outcome() for checkout in begun]


async def payments_arrive(*workers: Shop) -> None:
    """Everything that was paid is told to the workers, the same update as often as there are calls of this."""
    await feed(told(workers[0], "successful_payment"), *workers)
    for worker in workers:
        await worker.neonpay.program.drain()


async def link_of(shop: Shop, **options: Any) -> str:
    return (await shop.neonpay.create_payment_link("seat", **options)).link or ""


def statuses(outcomes: Sequence[Outcome]) -> list[str]:
    return sorted(outcome.status for outcome in outcomes)


async def held(query: Callable[..., Any]) -> int:
    return len(await query(sa.select(holds.c.hold_id)))


@pytest.mark.parametrize(("people", "seats"), [(10, 2), (30, 10), (4, 1)])
async def test_people_who_press_pay_at_once_are_let_through_only_as_far_as_there_are_seats(
    open_shop: Callable[..., Shop], people: int, seats: int
) -> None:
    first, second = open_shop(), open_shop()
    delivered = [sells_seats(first, seats), sells_seats(second, seats)]
    await first.neonpay.setup()
    await second.neonpay.setup()
    buyers = [first.telegram.user(f"Buyer {number}", stars=30) for number in range(people)]
    outcomes = await all_pay(await link_of(first), buyers, first, second)

    assert statuses(outcomes) == ["declined"] * (people - seats) + ["paid"] * seats
    assert {outcome.reason for outcome in outcomes if outcome.status == "declined"} == {BEING_PAID}
    await payments_arrive(first, second)
    assert sum(map(len, delivered)) == seats
    assert first.telegram.balance(first.account) == 30 * seats


async def test_those_who_come_after_the_seats_are_paid_read_so(open_shop: Callable[..., Shop], query: Any) -> None:
    shop = open_shop()
    sells_seats(shop, 2)
    await shop.neonpay.setup()
    link = await link_of(shop)
    buyers = [shop.telegram.user(f"Buyer {number}", stars=30) for number in range(3)]
    await all_pay(link, buyers[:2], shop)
    await payments_arrive(shop)
    (late,) = await all_pay(link, buyers[2:], shop)

    assert (late.status, late.reason) == ("declined", ALREADY_PAID)
    assert await held(query) == 0


async def test_a_repeated_checkout_counts_once(open_shop: Callable[..., Shop], query: Any) -> None:
    first, second = open_shop(), open_shop()
    sells_seats(first, 2)
    sells_seats(second, 2)
    await first.neonpay.setup()
    await second.neonpay.setup()
    link = await link_of(first)
    ann, bob, cem = (first.telegram.user(name, stars=30) for name in ("Ann", "Bob", "Cem"))
    first.telegram.faults.fail("answerPreCheckoutQuery", error_code=403)
    checkout = await ann.begins_to_pay(link)
    (body,) = told(first, "pre_checkout_query")
    await feed([body], first)
    await feed([body, body], first, second)

    assert (await checkout.outcome()).status == "paid"
    assert list(await query(sa.select(holds.c.user_id, holds.c.tries))) == [(ann.id, 3)]
    approved = sa.select(events.c.user_id).where(events.c.name == "checkout_approved")
    assert list(await query(approved)) == [(ann.id,)]
    assert statuses(await all_pay(link, [bob, cem], first, second)) == ["declined", "paid"]


async def test_a_repeat_that_telegram_refuses_says_nothing_about_the_first_answer(
    open_shop: Callable[..., Shop],
) -> None:
    shop, other = open_shop(), open_shop()
    sells_seats(shop, 1)
    sells_seats(other, 1)
    await shop.neonpay.setup()
    await other.neonpay.setup()
    link = await link_of(shop)
    ann, bob = shop.telegram.user("Ann", stars=30), shop.telegram.user("Bob", stars=30)
    (first,) = await all_pay(link, [ann], shop)
    await feed(told(shop, "pre_checkout_query"), other)
    assert [call.ok for call in shop.telegram.calls("answerPreCheckoutQuery")] == [True, False]
    (second,) = await all_pay(link, [bob], shop)

    assert (first.status, second.status, second.reason) == ("paid", "declined", BEING_PAID)


async def test_an_answer_that_telegram_refuses_gives_the_seat_back_at_once(shop: Shop, query: Any) -> None:
    sells_seats(shop, 1)
    await shop.neonpay.setup()
    link = await link_of(shop)
    ann, bob = shop.telegram.user("Ann", stars=30), shop.telegram.user("Bob", stars=30)
    checkout = await ann.begins_to_pay(link)
    await shop.telegram.advance(15)
    assert (await checkout.outcome()).status == "timed_out"
    await feed(told(shop, "pre_checkout_query"), shop)
    assert await held(query) == 0
    (second,) = await all_pay(link, [bob], shop)

    assert second.status == "paid"


@pytest.mark.parametrize("lost", [True, False])
async def test_an_approval_whose_answer_was_lost_keeps_its_seat_until_it_lapses(
    shop: Shop, clock: MovableClock, query: Any, *, lost: bool
) -> None:
    sells_seats(shop, 1)
    await shop.neonpay.setup()
    link = await link_of(shop)
    ann, bob, cem = (shop.telegram.user(name, stars=30) for name in ("Ann", "Bob", "Cem"))
    if lost:
        shop.telegram.faults.lose_answer("answerPreCheckoutQuery")
    else:
        shop.telegram.faults.fail("answerPreCheckoutQuery", error_code=403)
    checkout = await ann.begins_to_pay(link)
    await feed(told(shop, "pre_checkout_query"), shop)
    (early,) = await all_pay(link, [bob], shop)
    assert (early.status, early.reason) == ("declined", BEING_PAID)
    clock.advance(59)
    assert statuses(await all_pay(link, [bob], shop)) == ["declined"]
    clock.advance(1)
    (late,) = await all_pay(link, [cem], shop)

    assert late.status == "paid"
    assert [row[0] for row in await query(sa.select(holds.c.user_id))] == [cem.id]
    await shop.telegram.advance(15)
    assert (await checkout.outcome()).status == ("paid" if lost else "timed_out")


@pytest.mark.parametrize("seats", [1, 2])
async def test_one_buyer_on_two_devices_is_let_through_twice_only_if_there_are_two_seats(
    open_shop: Callable[..., Shop], seats: int
) -> None:
    first, second = open_shop(), open_shop()
    delivered = [sells_seats(first, seats), sells_seats(second, seats)]
    await first.neonpay.setup()
    await second.neonpay.setup()
    ann = first.telegram.user("Ann", stars=90)
    outcomes = await all_pay(await link_of(first, user_id=ann.id), [ann, ann, ann], first, second)
    await payments_arrive(first, second)

    assert statuses(outcomes) == ["declined"] * (3 - seats) + ["paid"] * seats
    assert sum(map(len, delivered)) == seats
    assert ann.stars == 90 - 30 * seats


async def test_a_payment_uses_up_one_hold_of_its_buyer(open_shop: Callable[..., Shop], query: Any) -> None:
    shop = open_shop()
    sells_seats(shop, 4)
    await shop.neonpay.setup()
    link = await link_of(shop)
    ann, bob = shop.telegram.user("Ann", stars=90), shop.telegram.user("Bob", stars=90)
    await all_pay(link, [ann, ann, bob], shop)
    mine = told(shop, "successful_payment")
    await feed(mine[:1] * 3, shop)

    assert await held(query) == 2
    await feed(mine, shop)
    assert await held(query) == 0


async def test_a_gate_that_says_no_holds_no_seat(shop: Shop, query: Any) -> None:
    sells_seats(shop, 1)
    await shop.neonpay.setup()
    link = await link_of(shop)
    ann, bob = shop.telegram.user("Ann", stars=30), shop.telegram.user("Bob", stars=30)
    await shop.neonpay.security.block_user(ann.id, reason="spam")
    outcomes = await all_pay(link, [ann, bob], shop)

    assert [outcome.status for outcome in outcomes] == ["declined", "paid"]
    assert await held(query) == 1


async def test_a_lapsed_approval_that_is_charged_all_the_same_goes_back(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop()
    delivered = sells_seats(shop, 1)
    await shop.neonpay.setup()
    link = await link_of(shop)
    ann, bob = shop.telegram.user("Ann", stars=30), shop.telegram.user("Bob", stars=30)
    (first,) = await all_pay(link, [ann], shop)
    clock.advance(61)
    (second,) = await all_pay(link, [bob], shop)
    assert (first.status, second.status) == ("paid", "paid")
    await payments_arrive(shop)
    await shop.fact("payment_refunded")
    await shop.neonpay.program.drain()
    states = {(await shop.neonpay.payments.get(o.charge_id or "")).state for o in (first, second)}
    refund = await shop.neonpay.refunds.get(first.charge_id or "")
    assert refund is not None

    assert states == {"accepted", "refunded"}
    assert [result.user_id for result in delivered] == [bob.id]
    assert (ann.stars, bob.stars, shop.telegram.balance(shop.account)) == (30, 0, 30)
    assert [event.reason for event in shop.named("refund_requested")] == [refund.reason]
    assert refund.reason == NO_SEAT
    assert await shop.neonpay.payments.needs_attention() == []


async def test_what_goes_back_because_there_was_no_seat_takes_none(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop()
    delivered = sells_seats(shop, 2)
    await shop.neonpay.setup()
    link = await link_of(shop)
    ann, bob, cem = (shop.telegram.user(name, stars=30) for name in ("Ann", "Bob", "Cem"))
    await all_pay(link, [ann], shop)
    clock.advance(61)
    await all_pay(link, [bob, cem], shop)
    late, *others = told(shop, "successful_payment")
    await feed([late], shop)
    await shop.fact("payment_refunded")
    await feed(others, shop)
    await shop.neonpay.program.drain()

    assert sorted(result.user_id for result in delivered) == sorted([bob.id, cem.id])


async def test_a_lapsed_approval_that_nobody_else_has_taken_up_is_good(shop: Shop, clock: MovableClock) -> None:
    delivered = sells_seats(shop, 1)
    await shop.neonpay.setup()
    ann = shop.telegram.user("Ann", stars=30)
    await all_pay(await link_of(shop), [ann], shop)
    clock.advance(3600)
    await payments_arrive(shop)

    assert [result.user_id for result in delivered] == [ann.id]


async def test_a_refund_frees_no_seat(shop: Shop) -> None:
    sells_seats(shop, 1)
    await shop.neonpay.setup()
    link = await link_of(shop)
    ann, bob = shop.telegram.user("Ann", stars=30), shop.telegram.user("Bob", stars=30)
    (first,) = await all_pay(link, [ann], shop)
    await payments_arrive(shop)
    await shop.neonpay.refund(first.charge_id or "", reason="ill")
    (second,) = await all_pay(link, [bob], shop)

    assert (second.status, second.reason) == ("declined", ALREADY_PAID)


async def test_renewals_of_a_subscription_take_no_seat(shop: Shop) -> None:
    delivered = sells_seats(shop, 2)
    async with shop.polling():
        ann, bob, cem = [await shop.visitor(name, stars=90) for name in ("Ann", "Bob", "Cem")]
        link = await link_of(shop, options={"subscription_period": SUBSCRIPTION_PERIOD_S})
        await ann.pays(link)
        await shop.settles()
        await shop.telegram.advance(SUBSCRIPTION_PERIOD_S)
        await shop.settles()
        later = [await buyer.pays(link) for buyer in (bob, cem)]
        await shop.settles()

    assert [outcome.status for outcome in later] == ["paid", "declined"]
    assert [result.user_id for result in delivered] == [ann.id, ann.id, bob.id]


async def test_an_invoice_that_has_expired_for_the_database_lets_nobody_through(
    open_shop: Callable[..., Shop], database_url: str
) -> None:
    seller, late = OffsetClock(), OffsetClock(-3600)
    first, second = open_shop(clock=seller), open_shop(clock=late)
    for shop in (first, second):
        sells_seats(shop, 1, invoice_ttl_s=1800)
        await shop.neonpay.setup()
    seller.offset_s = -7200
    link = await link_of(first)
    seller.offset_s = 0
    ann = first.telegram.user("Ann", stars=30)
    (outcome,) = await all_pay(link, [ann], first)

    assert (outcome.status, outcome.reason) == ("declined", "This invoice has expired. Please ask for a new one.")
    if database_url.startswith("sqlite"):
        return  # its time is the process's: processes that share a file share a machine
    late.offset_s = -6000
    (outcome,) = await all_pay(link, [ann], second)
    assert (outcome.status, outcome.reason) == ("declined", "This invoice has expired. Please ask for a new one.")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_workers_whose_clocks_differ_agree_on_who_holds_a_seat(open_shop: Callable[..., Shop]) -> None:
    first, second = open_shop(clock=OffsetClock(3600)), open_shop(clock=OffsetClock(-3600))
    for shop in (first, second):
        sells_seats(shop, 1)
        await shop.neonpay.setup()
    link = await link_of(first)
    ann, bob, cem = (first.telegram.user(name, stars=30) for name in ("Ann", "Bob", "Cem"))
    outcomes = [(await all_pay(link, [buyer], shop))[0] for buyer, shop in ((ann, second), (bob, first), (cem, second))]

    assert [outcome.status for outcome in outcomes] == ["paid", "declined", "declined"]


async def test_a_clock_that_goes_back_an_hour_blocks_a_seat_for_no_longer_than_a_hold_lasts(
    shop: Shop, clock: MovableClock
) -> None:
    sells_seats(shop, 1)
    await shop.neonpay.setup()
    link = await link_of(shop)
    ann, bob = shop.telegram.user("Ann", stars=30), shop.telegram.user("Bob", stars=30)
    shop.telegram.faults.fail("answerPreCheckoutQuery", error_code=403)
    await ann.begins_to_pay(link)
    await feed(told(shop, "pre_checkout_query"), shop)
    clock.advance(-3600)
    assert statuses(await all_pay(link, [bob], shop)) == ["declined"]
    clock.advance(60)
    assert statuses(await all_pay(link, [bob], shop)) == ["paid"]


async def test_a_repeat_of_a_checkout_that_was_paid_is_no_news_and_no_misconduct(shop: Shop, query: Any) -> None:
    sells_seats(shop, 1)
    await shop.neonpay.setup()
    ann = shop.telegram.user("Ann", stars=30)
    await all_pay(await link_of(shop), [ann], shop)
    await payments_arrive(shop)
    before = await shop.neonpay.security.get_user_risk_assessment(ann.id)
    await feed(told(shop, "pre_checkout_query"), shop)

    assert shop.named("checkout_declined") == []
    assert await shop.neonpay.security.get_user_risk_assessment(ann.id) == before
    assert await held(query) == 0


class CountingGate:
    """Agrees to everything, and counts what it agreed to."""

    counts_declines = frozenset[Any]()
    counts_checkouts = True

    def __init__(self) -> None:
        self.agreed: list[str] = []
        self.taken_back: list[str] = []

    def check(self, transaction: object, sale: Any) -> None:
        if isinstance(sale.query, PreCheckout):
            self.agreed.append(sale.sale_id)

    def withdrawn(self, transaction: object, user_id: int, sale_id: str) -> None:
        self.taken_back.append(sale_id)

    def declined(self, *_: object) -> None: ...


@pytest.mark.parametrize("stage_id", ["seat", "vip"])
async def test_gates_are_asked_once_for_a_repeated_checkout_and_told_only_if_the_first_answer_was_refused(
    shop: Shop, stage_id: str
) -> None:
    sells_seats(shop, 5)
    gate = CountingGate()
    shop.neonpay.add_gate(gate)
    await shop.neonpay.setup()
    link = (await shop.neonpay.create_payment_link(stage_id)).link or ""
    ann = shop.telegram.user("Ann", stars=300)
    await all_pay(link, [ann], shop)
    await feed(told(shop, "pre_checkout_query"), shop)
    assert (len(gate.agreed), gate.taken_back) == (1, [])
    checkout = await ann.begins_to_pay(link)
    await shop.telegram.advance(15)
    assert (await checkout.outcome()).status == "timed_out"
    await feed(told(shop, "pre_checkout_query")[1:], shop)

    assert len(set(gate.agreed)) == 2
    assert set(gate.taken_back) == set(gate.agreed) - {gate.agreed[0]}
