"""Buyers ask for their Stars; the policy, the hooks and a person decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from neonpay import PaymentResult, PaymentStage, PaymentStatus
from neonpay.core.requests import RefundRequest
from neonpay.core.stages import RefundPolicy
from neonpay.errors import (
    HandlerError,
    PaymentError,
    PaymentNotFoundError,
    RefundError,
    RefundRefused,
    RequestNotFoundError,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from neonpay.simulator import Buyer
    from tests.integration.conftest import MovableClock, Shop

DAY_S = 86_400


@pytest.fixture
async def shop(open_shop: Callable[..., Shop]) -> AsyncIterator[Shop]:
    """A running shop with a stage for each policy."""
    shop = open_shop()
    policies = {
        "automatic": RefundPolicy(window_days=14),
        "by_hand": RefundPolicy(window_days=14, automatic=False),
        "for_ever": RefundPolicy(window_days=None),
    }
    for stage_id, policy in policies.items():
        stage = PaymentStage(title=stage_id, description="A picture", price=50, refund_policy=policy)
        shop.neonpay.create_payment_stage(stage_id, stage)

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        yield shop


async def buys(shop: Shop, stage_id: str) -> tuple[Buyer, str]:
    ann = await shop.visitor("Ann", stars=80)
    return ann, (await shop.sells(ann, stage_id)).charge_id or ""


async def days_after_the_sale(shop: Shop, charge_id: str, clock: MovableClock, days: float) -> None:
    paid_at = (await shop.neonpay.payments.get(charge_id)).paid_at
    clock.advance(paid_at.timestamp() + days * DAY_S - clock.now_us() / 1_000_000)


async def test_a_request_inside_the_window_is_granted_at_once(shop: Shop, clock: MovableClock) -> None:
    ann, charge_id = await buys(shop, "automatic")
    await days_after_the_sale(shop, charge_id, clock, 13.9)
    request = await shop.neonpay.refunds.request(charge_id, user_id=ann.id, words="not my style")
    await shop.settles()
    (refund,) = await shop.neonpay.refunds.list()

    assert (request.state, request.decided_by, request.words) == ("approved", "policy", "not my style")
    assert ann.stars == 80
    assert (refund.state, refund.reason, refund.requested_by) == ("refunded", "not my style", "policy")
    names = [e.name for e in shop.facts if e.charge_id][2:]
    assert names == ["refund_request_approved", "refund_requested", "payment_refunded"]


async def test_a_request_after_the_window_is_refused(shop: Shop, clock: MovableClock) -> None:
    ann, charge_id = await buys(shop, "automatic")
    await days_after_the_sale(shop, charge_id, clock, 14.1)
    request = await shop.neonpay.refunds.request(charge_id, user_id=ann.id)
    await shop.settles()

    assert (request.state, request.decided_by, request.answer) == ("refused", "policy", None)
    assert shop.named("refund_request_refused")[0].data == {"by": "policy", "answer": None}
    assert ann.stars == 30


async def test_a_window_may_be_for_ever(shop: Shop, clock: MovableClock) -> None:
    ann, charge_id = await buys(shop, "for_ever")
    await days_after_the_sale(shop, charge_id, clock, 5000)
    assert (await shop.neonpay.refunds.request(charge_id, user_id=ann.id)).state == "approved"


@pytest.mark.parametrize("stage_id", ["by_hand", "vip"])
async def test_without_an_automatic_policy_a_person_decides(shop: Shop, stage_id: str) -> None:
    ann, charge_id = await buys(shop, stage_id)
    waiting = await shop.neonpay.refunds.request(charge_id, user_id=ann.id, words="broken")
    await shop.settles()
    (listed,) = await shop.neonpay.refunds.requests("open")
    approved = await shop.neonpay.refunds.approve(waiting.request_id, by="Olga")
    await shop.settles()

    assert (waiting.state, listed) == ("open", waiting)
    assert shop.named("refund_review_requested")[0].reason == "broken"
    assert (approved.state, approved.decided_by) == ("approved", "Olga")
    assert await shop.neonpay.refunds.requests("open") == []
    assert (await shop.neonpay.payments.get(charge_id)).status is PaymentStatus.REFUNDED
    assert ann.stars == 80


async def test_a_request_is_decided_once(shop: Shop) -> None:
    ann, charge_id = await buys(shop, "by_hand")
    request = await shop.neonpay.refunds.request(charge_id, user_id=ann.id)
    refused = await shop.neonpay.refunds.refuse(request.request_id, by="Olga", answer="It was used for a week.")
    later = await shop.neonpay.refunds.approve(request.request_id, by="Igor")
    again = await shop.neonpay.refunds.request(charge_id, user_id=ann.id, words="please")
    await shop.settles()

    assert (refused.state, refused.answer, refused.decided_by) == ("refused", "It was used for a week.", "Olga")
    assert later == again == refused
    assert shop.named("refund_request_refused")[0].data == {"by": "Olga", "answer": "It was used for a week."}
    assert ann.stars == 30


async def test_a_hook_may_refuse_with_words_for_the_buyer(shop: Shop) -> None:
    @shop.neonpay.refunds.on_request(stage="automatic", name="usage")
    async def usage(result: PaymentResult, request: RefundRequest) -> None:
        raise RefundRefused(f"You have used {result.stage_id} already: {request.words}")

    ann, charge_id = await buys(shop, "automatic")
    request = await shop.neonpay.refunds.request(charge_id, user_id=ann.id, words="hm")
    assert (request.state, request.decided_by) == ("refused", "hook:usage")
    assert request.answer == "You have used automatic already: hm"
    assert ann.stars == 30


async def test_a_hook_may_ask_for_a_person(shop: Shop) -> None:
    @shop.neonpay.refunds.on_request
    def look(result: PaymentResult) -> str:
        return "review"

    ann, charge_id = await buys(shop, "automatic")
    assert (await shop.neonpay.refunds.request(charge_id, user_id=ann.id)).state == "open"


async def test_a_hook_that_fails_leaves_the_decision_to_a_person(shop: Shop) -> None:
    @shop.neonpay.refunds.on_request
    async def look(result: PaymentResult) -> None:
        raise RuntimeError("the usage service is down")

    ann, charge_id = await buys(shop, "automatic")
    assert (await shop.neonpay.refunds.request(charge_id, user_id=ann.id)).state == "open"
    assert ann.stars == 30


async def test_a_hook_of_another_stage_is_not_asked(shop: Shop) -> None:
    @shop.neonpay.refunds.on_request(stage="vip")
    async def look(result: PaymentResult) -> str:
        return "review"

    ann, charge_id = await buys(shop, "automatic")
    assert (await shop.neonpay.refunds.request(charge_id, user_id=ann.id)).state == "approved"


async def test_a_hook_that_asks_for_what_nobody_has_is_found_at_the_start(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()

    @shop.neonpay.refunds.on_request(name="look")
    def look(result: PaymentResult, connection: object) -> None: ...

    with pytest.raises(HandlerError, match="it may ask for: result, request"):
        await shop.neonpay.setup()


async def test_only_the_buyer_may_ask(shop: Shop) -> None:
    _, charge_id = await buys(shop, "automatic")
    with pytest.raises(PaymentNotFoundError):
        await shop.neonpay.refunds.request(charge_id, user_id=1)
    assert await shop.neonpay.refunds.requests() == []


async def test_a_payment_that_went_back_cannot_be_asked_for(shop: Shop) -> None:
    ann, charge_id = await buys(shop, "automatic")
    await shop.neonpay.refund(charge_id)
    with pytest.raises(PaymentError, match="already"):
        await shop.neonpay.refunds.request(charge_id, user_id=ann.id)


async def test_a_request_is_checked(shop: Shop) -> None:
    with pytest.raises(ValidationError, match="1000 characters"):
        await shop.neonpay.refunds.request("charge", user_id=1, words="x" * 1001)
    with pytest.raises(RequestNotFoundError, match="'none'"):
        await shop.neonpay.refunds.approve("none", by="Olga")
    with pytest.raises(ValidationError, match="approved"):
        await shop.neonpay.refunds.requests("lost")


async def test_an_approval_that_telegram_refuses_says_so_and_stays(shop: Shop) -> None:
    ann, charge_id = await buys(shop, "by_hand")
    request = await shop.neonpay.refunds.request(charge_id, user_id=ann.id)
    shop.telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_REFUNDABLE")
    with pytest.raises(RefundError):
        await shop.neonpay.refunds.approve(request.request_id, by="Olga")

    assert [r.state for r in await shop.neonpay.refunds.requests()] == ["approved"]
    assert (await shop.neonpay.refund(charge_id)).state == "refunded"


async def test_the_policy_of_the_day_of_the_sale_holds(shop: Shop) -> None:
    ann, charge_id = await buys(shop, "automatic")
    now = PaymentStage(title="Art", description="A picture", price=50, refund_policy=RefundPolicy(automatic=False))
    shop.neonpay.replace_payment_stage("automatic", now)
    assert (await shop.neonpay.refunds.request(charge_id, user_id=ann.id)).state == "approved"
