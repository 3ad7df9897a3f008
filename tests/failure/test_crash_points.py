"""The shop is killed at each point between the buyer's press of Pay and the last word on the payment, and started again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from neonpay.simulator import Buyer
    from tests.failure.conftest import MortalShop

AFTER_THE_STARS_MOVED = [
    "after answerPreCheckoutQuery",
    "payment received",
    "inside the recording transaction",
    "payment recorded",
    "before the handler",
    "between steps",
    "before the done marker",
    "enlisted statement executed",
    "payment delivered",
]


async def buys(shop: MortalShop) -> tuple[Buyer, str]:
    ann = await shop.visitor()
    await ann.says("/buy", to=shop.account)
    outcome = await ann.pays(await ann.hears(shop.account))
    assert outcome.status == "paid"
    return ann, outcome.charge_id or ""


@pytest.mark.parametrize("point", AFTER_THE_STARS_MOVED)
async def test_a_shop_killed_after_the_stars_moved_delivers_once_when_it_is_back(shop: MortalShop, point: str) -> None:
    await shop.starts(crash_at=point)
    ann, charge_id = await buys(shop)
    await shop.dies()

    await shop.starts()
    await shop.settles()

    remains = await shop.remains()
    assert remains.payments == {charge_id: 1}
    assert remains.effects == {("credited", charge_id): 1, ("delivered", charge_id): 1}
    assert shop.told(ann, "reserved") == {charge_id: 1}
    assert shop.told(ann, "shipped") == {charge_id: 1}
    assert shop.told(ann, "Thank").total() >= 1
    assert remains.job_states == {"done": 3}
    assert remains.stars == shop.telegram.balance(shop.account) == 5
    assert remains.unbalanced == []


@pytest.mark.parametrize("point", ["after sendMessage", "reserved, not remembered"])
async def test_a_call_made_before_its_memo_is_made_again_and_nothing_else_is(shop: MortalShop, point: str) -> None:
    # The one row of the table that is at least once: nobody can tell whether the call was made.
    await shop.starts(crash_at=point)
    ann, charge_id = await buys(shop)
    await shop.dies()

    await shop.starts()
    await shop.settles()

    remains = await shop.remains()
    repeated = shop.told(ann, "reserved")[charge_id] + shop.told(ann, "Thank").total() - 2
    assert 1 <= repeated <= 2, "the calls that were under way at the time: this one, and perhaps the thanks beside it"
    assert shop.told(ann, "shipped") == {charge_id: 1}
    assert remains.payments == {charge_id: 1}
    assert remains.effects == {("credited", charge_id): 1, ("delivered", charge_id): 1}
    assert remains.stars == shop.telegram.balance(shop.account) == 5


async def test_a_shop_killed_before_its_checkout_answer_gives_it_when_it_is_back(shop: MortalShop) -> None:
    await shop.starts(crash_at="before answerPreCheckoutQuery")
    ann = await shop.visitor()
    await ann.says("/buy", to=shop.account)
    checkout = await ann.begins_to_pay(await ann.hears(shop.account))
    await shop.dies()
    assert shop.telegram.balance(shop.account) == 0

    await shop.starts()
    outcome = await checkout.outcome()
    await shop.settles()

    assert outcome.status == "paid"
    assert (await shop.remains()).payments == {outcome.charge_id: 1}


async def test_a_checkout_whose_answer_died_with_the_shop_takes_no_stars(shop: MortalShop) -> None:
    await shop.starts(crash_at="before answerPreCheckoutQuery")
    ann = await shop.visitor()
    await ann.says("/buy", to=shop.account)
    checkout = await ann.begins_to_pay(await ann.hears(shop.account))
    await shop.dies()
    await shop.telegram.advance(11)

    await shop.starts()
    await shop.settles()

    assert (await checkout.outcome()).status == "timed_out"
    assert (await shop.remains()).payments == {}
    assert ann.stars == 1000


@pytest.mark.parametrize("point", ["before sendInvoice", "after sendInvoice"])
async def test_a_shop_killed_while_it_sends_an_invoice_sends_one_that_can_be_paid(shop: MortalShop, point: str) -> None:
    await shop.starts(crash_at=point)
    ann = await shop.visitor()
    await ann.says("/buy", to=shop.account)
    await shop.dies()

    await shop.starts()
    await shop.settles()
    payloads = {call.params["payload"] for call in shop.telegram.calls("sendInvoice")}
    outcome = await ann.pays(await ann.hears(shop.account))
    await shop.settles()

    assert len(payloads) == 1, "one offer, however often its message was sent"
    assert (await shop.remains()).payments == {outcome.charge_id: 1}


@pytest.mark.parametrize("point", ["before refundStarPayment", "after refundStarPayment"])
async def test_a_refund_that_a_crash_cut_off_ends_as_one_refund(shop: MortalShop, point: str) -> None:
    await shop.starts(crash_at=point)
    ann, charge_id = await buys(shop)
    await shop.settles()
    await ann.says(f"/refund {charge_id}", to=shop.account)
    await shop.dies()

    await shop.starts()
    await ann.hears(shop.account, containing="refunded")
    await shop.settles()

    remains = await shop.remains()
    assert remains.refund_states == {charge_id: "refunded"}
    assert remains.stars == shop.telegram.balance(shop.account) == 0
    assert ann.stars == 1000
    assert remains.unbalanced == []


@pytest.mark.parametrize("point", ["payment recorded", "before refundStarPayment", "after refundStarPayment"])
async def test_a_second_payment_goes_back_by_policy_through_a_crash(shop: MortalShop, point: str) -> None:
    await shop.starts(repeat="refund")
    ann = await shop.visitor()
    await ann.says("/buy", to=shop.account)
    invoice = await ann.hears(shop.account)
    first = await ann.pays(invoice)
    await shop.settles()
    await shop.stops()

    await shop.starts(repeat="refund", crash_at=point)
    second = await ann.pays(invoice)
    await shop.dies()
    await shop.starts(repeat="refund")
    await shop.settles()

    remains = await shop.remains()
    assert remains.payments == {first.charge_id: 1, second.charge_id: 1}
    assert remains.refund_states == {second.charge_id: "refunded"}
    assert remains.effects == {("credited", first.charge_id): 1, ("delivered", first.charge_id): 1}
    assert remains.stars == shop.telegram.balance(shop.account) == 5
    assert ann.stars == 995


@pytest.mark.usefixtures("copied_from")
@pytest.mark.parametrize("copied_from", [lambda _: None], ids=["without tables"])
async def test_the_first_start_may_die_anywhere(shop: MortalShop) -> None:
    # Tables and the signing key are made on the way; a shop that died while it made them starts all the same.
    for fuse in (1, 2, 3, 5, 8, 13, 21, 34):
        await shop.starts(fuse=fuse)
        await shop.dies()
    await shop.starts()
    _, charge_id = await buys(shop)
    await shop.settles()
    assert (await shop.remains()).payments == {charge_id: 1}
