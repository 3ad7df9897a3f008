"""Limits count in the ledger, act before checkout, and hold for all workers together."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult, PaymentStage, ValidationError
from neonpay.core.checkout import Decline
from neonpay.errors import SaleRefused
from neonpay.ledger.tables_security import conduct
from neonpay.payments.gates import Refusal
from neonpay.security import ActionType, Limits, Rate, ThreatLevel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from neonpay.simulator import Buyer, Outcome
    from tests.integration.conftest import MovableClock, Shop


def delivers(shop: Shop) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...


@pytest.fixture
async def running(shop: Shop) -> AsyncIterator[Shop]:
    delivers(shop)
    async with shop.polling():
        yield shop


async def refusal(shop: Shop, user_id: int, stage_id: str = "vip") -> SaleRefused:
    with pytest.raises(SaleRefused) as refused:
        await shop.neonpay.send_payment(user_id, stage_id)
    return refused.value


async def pays_links(shop: Shop, buyer: Buyer, count: int) -> list[Outcome]:
    """What becomes of so many public links, paid one after another."""
    links = [(await shop.neonpay.create_payment_link("vip")).link or "" for _ in range(count)]
    outcomes = [await buyer.pays(link) for link in links]
    await shop.settles()
    return outcomes


async def test_nothing_is_limited_and_nothing_counted_until_the_program_says_so(
    running: Shop, query: Callable[..., Any]
) -> None:
    ann = await running.visitor()
    for _ in range(12):
        await running.neonpay.send_payment(ann.id, "vip")
    assert await query(sa.select(sa.func.count()).select_from(conduct)) == [(0,)]


async def test_so_many_invoices_in_a_window_and_then_the_seconds_until_the_next(
    running: Shop, clock: MovableClock
) -> None:
    running.neonpay.security.set_rate_limit(ActionType.PAYMENT_REQUEST, max_requests=2, time_window=60)
    ann, bob = await running.visitor("Ann"), await running.visitor("Bob")
    await running.neonpay.send_payment(ann.id, "vip")
    clock.advance(20)
    await running.neonpay.send_payment(ann.id, "vip")

    refused = await refusal(running, ann.id)
    await running.neonpay.send_payment(bob.id, "vip")
    assert (refused.reason, refused.retry_after_s) == ("too_often", pytest.approx(40))

    clock.advance(39.9)
    await refusal(running, ann.id)
    clock.advance(0.1)
    await running.neonpay.send_payment(ann.id, "vip")
    await refusal(running, ann.id)


async def test_a_repeated_call_with_one_key_counts_once(running: Shop) -> None:
    running.neonpay.security.set_rate_limit(ActionType.PAYMENT_REQUEST, 1, 60)
    ann = await running.visitor()
    first = await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7")
    assert await running.neonpay.send_payment(ann.id, "vip", idempotency_key="order 7") == first


async def test_workers_that_sell_at_the_same_time_share_one_limit(
    open_shop: Callable[..., Shop], query: Callable[..., Any]
) -> None:
    workers = [open_shop(), open_shop()]
    for worker in workers:
        await worker.neonpay.setup()
        worker.neonpay.security.set_rate_limit(ActionType.PAYMENT_REQUEST, 3, 60)
    ann = await workers[0].visitor()

    results = await asyncio.gather(
        *(worker.neonpay.send_payment(ann.id, "vip") for worker in workers for _ in range(5)), return_exceptions=True
    )

    refused = [result for result in results if isinstance(result, SaleRefused)]
    assert (len(results) - len(refused), len(refused)) == (3, 7)
    assert await query(sa.select(sa.func.count()).select_from(conduct)) == [(3,)]


async def test_so_many_checkouts_are_approved_in_a_window(running: Shop) -> None:
    running.neonpay.security.set_rate_limit(ActionType.PAYMENT_COMPLETION, 2, 60)
    outcomes = await pays_links(running, await running.visitor(), 3)

    assert [outcome.status for outcome in outcomes] == ["paid", "paid", "declined"]
    assert outcomes[2].reason == "That was too often. Please try again later."


async def test_a_buyer_spends_so_many_stars_in_a_window(running: Shop) -> None:
    running.neonpay.security.limits = Limits(spending=Rate(120, 3600))
    ann = await running.visitor()
    outcomes = await pays_links(running, ann, 3)

    assert [outcome.status for outcome in outcomes] == ["paid", "paid", "declined"]
    assert (await refusal(running, ann.id)).reason == "too_much"
    await running.neonpay.refund(outcomes[0].charge_id or "", reason="a mistake")
    running.neonpay.create_payment_stage("art", PaymentStage(title="Art", description="A picture", price=20))
    await running.neonpay.send_payment(ann.id, "art")


async def test_two_checkouts_at_the_same_time_do_not_spend_the_same_allowance(running: Shop) -> None:
    running.neonpay.security.limits = Limits(spending=Rate(60, 3600))
    ann = await running.visitor()
    links = [(await running.neonpay.create_payment_link("vip")).link or "" for _ in range(3)]
    outcomes = await asyncio.gather(*(ann.pays(link) for link in links))
    await running.settles()

    assert sorted(outcome.status for outcome in outcomes) == ["declined", "declined", "paid"]


async def test_somebody_who_tries_other_peoples_invoices_is_held_off(running: Shop, clock: MovableClock) -> None:
    running.neonpay.security.limits = Limits(declines=Rate(2, 600))
    ann, bob = await running.visitor("Ann"), await running.visitor("Bob")
    await running.neonpay.send_payment(ann.id, "vip", chat_id=bob.id)
    message = await bob.hears(running.account)
    tries = [await bob.pays(message) for _ in range(2)]
    await running.fact("checkout_declined", count=2)
    await running.settles()

    assert [outcome.status for outcome in tries] == ["declined", "declined"]
    assert (await refusal(running, bob.id)).reason == "too_often"
    assert (await running.neonpay.security.get_user_risk_assessment(bob.id))["failed_attempts"] == 2
    clock.advance(600)
    await running.neonpay.send_payment(bob.id, "vip")


async def test_a_refusal_of_the_shops_own_is_not_held_against_the_buyer(running: Shop) -> None:
    running.neonpay.security.limits = Limits(declines=Rate(1, 600))
    running.neonpay.on_pre_checkout(lambda: "Sold out.")
    ann = await running.visitor()
    outcomes = await pays_links(running, ann, 2)

    assert [outcome.reason for outcome in outcomes] == ["Sold out.", "Sold out."]
    assert (await running.neonpay.security.get_user_risk_assessment(ann.id))["failed_attempts"] == 0


async def test_a_link_that_goes_round_is_paid_so_many_times(running: Shop) -> None:
    running.neonpay.security.limits = Limits(link_payments=2)
    link = (await running.neonpay.create_payment_link("vip")).link or ""
    outcomes = []
    for name in ("Ann", "Bob", "Cid"):
        outcomes.append(await (await running.visitor(name)).pays(link))
        await running.settles()

    assert [outcome.status for outcome in outcomes] == ["paid", "paid", "declined"]


async def test_refunds_that_the_seller_gave_a_reason_for_are_not_the_buyers_fault(running: Shop) -> None:
    running.neonpay.security.limits = Limits(refunds=Rate(2, 3600))
    ann = await running.visitor()
    charges = [(await running.sells(ann)).charge_id or "" for _ in range(4)]
    for charge_id in charges[:2]:
        await running.neonpay.refund(charge_id, reason="sold out")
    await running.neonpay.send_payment(ann.id, "vip")
    for charge_id in charges[2:]:
        await running.neonpay.refund(charge_id)

    assert (await refusal(running, ann.id)).reason == "too_many_refunds"
    assert (await running.neonpay.security.get_user_risk_assessment(ann.id))["refunds"] == 2


async def test_a_trusted_user_has_no_limits(running: Shop) -> None:
    running.neonpay.security.limits = Limits(
        actions={ActionType.PAYMENT_REQUEST: Rate(1, 60)}, spending=Rate(50, 60), risk_score=1
    )
    ann = await running.visitor()
    await running.neonpay.security.trust_user(ann.id)
    assert [(await running.sells(ann)).status for _ in range(3)] == ["paid", "paid", "paid"]


async def test_reports_add_up_to_a_risk_above_which_nothing_is_sold(running: Shop, clock: MovableClock) -> None:
    running.neonpay.security.limits = Limits(risk_score=80)
    security, ann = running.neonpay.security, await running.visitor()
    await security.report_suspicious_activity(ann.id, "spam", ThreatLevel.HIGH, "floods the chat", messages=300)
    await running.neonpay.send_payment(ann.id, "vip")
    await security.report_suspicious_activity(ann.id, "spam", ThreatLevel.HIGH, "again")

    assert (await refusal(running, ann.id)).reason == "too_risky"
    assert await security.detect_payment_fraud(ann.id, 50) == (True, "too_risky")
    profile = await security.get_user_profile(ann.id)
    assert profile.risk_score == 80
    assert profile.suspicious_activities[0].metadata == {"messages": 300}
    assessment = await running.neonpay.security.get_user_risk_assessment(ann.id)
    assert (assessment["risk_score"], assessment["threat_level"]) == (80, "critical")
    assert assessment["suspicious_activities_count"] == 2
    clock.advance(31 * 86_400)
    await running.neonpay.send_payment(ann.id, "vip")


async def test_a_checkout_that_was_approved_too_late_does_not_count(open_shop: Callable[..., Shop]) -> None:
    first = open_shop()
    delivers(first)
    async with first.polling():
        ann = await first.visitor()
        link = (await first.neonpay.create_payment_link("vip")).link or ""
    checkout = await ann.begins_to_pay(link)
    await first.telegram.advance(15)
    assert (await checkout.outcome()).status == "timed_out"

    second = open_shop()
    delivers(second)
    second.neonpay.security.set_rate_limit(ActionType.PAYMENT_COMPLETION, 1, 3600)
    async with second.polling():
        await second.settles()
        assert (await ann.pays(link)).status == "paid"


async def test_a_program_counts_actions_of_its_own(shop: Shop) -> None:
    security = shop.neonpay.security
    assert await security.check_rate_limit(7, ActionType.API_CALL) == (True, None)
    security.set_rate_limit(ActionType.API_CALL, 2, 60)
    checks = [await security.check_rate_limit(7, ActionType.API_CALL) for _ in range(3)]

    assert [check.allowed for check in checks] == [True, True, False]
    assert checks[2].retry_after_s == pytest.approx(60)
    assert await security.rate_limiter.get_remaining_requests(7, ActionType.API_CALL) == 0
    assert await security.rate_limiter.get_remaining_requests(8, ActionType.API_CALL) == 2
    assert await security.rate_limiter.reset_user_limits(7) == 2
    assert (await security.check_rate_limit(7, ActionType.API_CALL)).allowed


async def test_old_conduct_is_forgotten_and_blocks_that_are_over(shop: Shop, clock: MovableClock) -> None:
    security = shop.neonpay.security
    await security.report_suspicious_activity(7, "spam", ThreatLevel.LOW, "once")
    await shop.neonpay.security.block_user(7, 60)
    await shop.neonpay.security.block_user(8)
    assert await security.get_security_stats() == {"blocked_users": 2, "trusted_users": 0, "security_events": 1}
    clock.advance(86_400)
    assert await security.cleanup_old_data(max_age_days=1) == 1
    clock.advance(1)
    assert await security.cleanup_old_data(max_age_days=1) == 1
    assert await security.get_security_stats() == {"blocked_users": 1, "trusted_users": 0, "security_events": 0}


async def test_a_gate_that_fails_declines_and_sends_nothing(running: Shop) -> None:
    ann = await running.visitor()
    link = (await running.neonpay.create_payment_link("vip")).link or ""
    running.neonpay.add_gate(_Broken())
    outcome = await ann.pays(link)
    with pytest.raises(ZeroDivisionError):
        await running.neonpay.send_payment(ann.id, "vip")
    await running.settles()

    assert outcome.reason == "Something went wrong in the shop. No Stars were taken; please try again."
    assert running.telegram.calls("sendInvoice") == []
    assert [event.reason for event in running.named("checkout_declined")] == ["error"]


async def test_a_gate_stays_when_the_shop_is_closed_and_opened_again(shop: Shop) -> None:
    shop.neonpay.add_gate(_Closed())
    assert (await refusal(shop, 7)).reason == "not_on_sale"
    await shop.neonpay.close()
    assert (await refusal(shop, 7)).reason == "not_on_sale"
    assert shop.telegram.calls("sendInvoice") == []


def test_a_gate_stays_when_each_call_has_an_event_loop_of_its_own(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    shop.neonpay.add_gate(_Closed())

    async def sell() -> None:
        async with shop.neonpay:
            await shop.neonpay.send_payment(7, "vip")

    for _ in range(2):
        with pytest.raises(SaleRefused):
            asyncio.run(sell())


class _Closed:
    """A seller's rule: nothing is sold."""

    counts_declines: frozenset[Decline] = frozenset()
    counts_checkouts = False

    def check(self, *_: object) -> Refusal:
        return Refusal(reason=Decline.NOT_ON_SALE)

    def withdrawn(self, *_: object) -> None: ...

    def declined(self, *_: object) -> None: ...


class _Broken:
    counts_declines = frozenset({Decline.ERROR})
    counts_checkouts = False

    def check(self, *_: object) -> None:
        raise ZeroDivisionError

    def withdrawn(self, *_: object) -> None:
        raise ZeroDivisionError

    def declined(self, *_: object) -> None:
        raise ZeroDivisionError


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5])
def test_a_limit_is_a_whole_number(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="most"):
        Rate(wrong, 60)
    with pytest.raises(ValidationError, match="link_payments"):
        Limits(link_payments=wrong)


@pytest.mark.parametrize("window_s", [0, -1, float("nan"), float("inf"), True])
def test_a_window_is_some_time(window_s: Any) -> None:
    with pytest.raises(ValidationError, match="window_s"):
        Rate(1, window_s)


def test_limits_are_changed_as_a_whole() -> None:
    limits = Limits(actions={ActionType.API_CALL: Rate(1, 1)})
    with pytest.raises(TypeError):
        limits.actions[ActionType.API_CALL] = Rate(2, 2)  # type: ignore[index]
    assert replace(limits, risk_score=80).actions == limits.actions
