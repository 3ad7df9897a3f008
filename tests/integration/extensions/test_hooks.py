"""What an extension is asked, when, and what its answers and its faults do."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult, PaymentStage
from neonpay.core.checkout import Decline
from neonpay.core.events import Event
from neonpay.errors import ExtensionMissingError, SaleRefused, ValidationError
from neonpay.ledger.tables import events
from neonpay.payments.extension import (
    Asked,
    Claim,
    Extension,
    Host,
    Lent,
    Quote,
    Release,
    Released,
    SendBack,
    Settlement,
    Subscriber,
)
from neonpay.payments.gates import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from neonpay.core.payments import PreCheckout
    from tests.integration.conftest import MovableClock, Shop


class Sees(Extension):
    """Notes what it is shown of payments, and sends back what it is told to."""

    name = "sees"

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.sends_back: str | None = None
        self.failures = 0

    def settle(self, transaction: Lent, payments: Sequence[Settlement]) -> Mapping[str, SendBack]:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the shelf cannot be reached")
        self.seen += [(one.payment.charge_id, one.payment.state.value) for one in payments]
        if self.sends_back is None:
            return {}
        return {one.payment.charge_id: SendBack(self.sends_back) for one in payments if one.is_new}


def delivering(shop: Shop) -> list[str | None]:
    delivered: list[str | None] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result.transaction_id)

    return delivered


def states(seen: Sequence[tuple[str, str]], charge_id: str | None) -> list[str]:
    """The states that were shown, one after the other; the same state again is no news."""
    of_it = [state for charge, state in seen if charge == charge_id]
    return [state for place, state in enumerate(of_it) if place == 0 or of_it[place - 1] != state]


async def test_an_extension_sees_a_payment_in_each_state_that_it_comes_to(shop: Shop) -> None:
    delivering(shop)
    sees = shop.neonpay.use(Sees())
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.delivers(outcome)
        await shop.neonpay.refund(outcome.charge_id or "")
        await shop.settles()
    assert states(sees.seen, outcome.charge_id) == ["accepted", "refunded"]


async def test_what_an_extension_sends_back_is_delivered_by_nobody(shop: Shop) -> None:
    delivered = delivering(shop)
    sees = shop.neonpay.use(Sees())
    sees.sends_back = "sold out"
    async with shop.polling():
        ann = await shop.visitor()
        outcome = await shop.sells(ann)
        await shop.fact("payment_refunded")
        assert ann.stars == 1000
        told = await shop.fact("payment_rejected")
        assert (told.reason, told.handler) == ("sold out", "settle:sees")
    assert delivered == []
    assert states(sees.seen, outcome.charge_id) == ["accepted", "refund_due", "refunded"]


async def test_an_extension_that_raises_is_asked_again_and_the_payment_is_delivered_meanwhile(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop()
    delivered = delivering(shop)
    sees = shop.neonpay.use(Sees())
    sees.failures = 2
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        async with asyncio.timeout(100):
            while sees.failures:
                clock.advance(1)
                await asyncio.sleep(0)
            while not sees.seen:
                clock.advance(1)
                await asyncio.sleep(0)
        await shop.delivers(outcome)
    assert delivered == [outcome.charge_id]
    assert states(sees.seen, outcome.charge_id) == ["accepted"]


async def test_a_payment_is_settled_by_the_program_that_has_the_extension(open_shop: Callable[..., Shop]) -> None:
    shop, helper = open_shop(), open_shop()
    delivering(shop)
    sees = helper.neonpay.use(Sees())
    async with helper.neonpay, shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.delivers(outcome)
    assert states(sees.seen, outcome.charge_id) == ["accepted"]


class Half(Extension):
    """Sells for half the price to those who say so, and holds one thing for each buyer."""

    name = "half"

    def __init__(self) -> None:
        self.held: list[str] = []
        self.let: list[tuple[str, Release]] = []
        self.noes: list[tuple[int, str]] = []
        self.refuses: set[int] = set()
        self.raises = False

    def quote(self, transaction: Lent, asked: Asked, quote: Quote) -> Quote | Refusal:
        if asked.metadata.get("code") == "HALF":
            return Quote(price_stars=quote.price_stars // 2, terms={"code": "HALF"})
        if asked.metadata.get("code"):
            return Refusal(reason=Decline.REFUSED, message="There is no such code.")
        return quote

    def hold(self, transaction: Lent, claims: Sequence[Claim]) -> Mapping[str, Refusal]:
        if self.raises:
            raise RuntimeError("the shelf cannot be reached")
        refused = {one.claim_id: Refusal(reason=Decline.REFUSED) for one in claims if one.user_id in self.refuses}
        self.held += [one.claim_id for one in claims if one.claim_id not in refused]
        return refused

    def let_go(self, transaction: Lent, claims: Sequence[Released], why: Release) -> None:
        self.let += [(one.claim_id, why) for one in claims]

    def declined(self, transaction: Lent, query: PreCheckout, reason: str) -> None:
        self.noes.append((query.user_id, str(reason)))


async def test_a_quote_is_what_the_buyer_pays(shop: Shop) -> None:
    delivering(shop)
    shop.neonpay.use(Half())
    async with shop.polling():
        ann = await shop.visitor()
        await shop.sells(ann, payload={"code": "HALF"})
        assert ann.stars == 1000 - 25
        (created,) = shop.named("invoice_created")
        (paid,) = shop.named("payment_completed")
        assert (created.amount_stars, paid.amount_stars) == (25, 25)


async def test_a_quote_may_be_a_refusal_with_words_of_its_own(shop: Shop) -> None:
    shop.neonpay.use(Half())
    async with shop.neonpay:
        with pytest.raises(SaleRefused) as refused:
            await shop.neonpay.send_payment((await shop.visitor()).id, "vip", payload={"code": "FREE"})
        assert refused.value.buyer_text == "There is no such code."
        await shop.neonpay.program.drain()
    assert [event.reason for event in shop.named("offer_refused")] == ["refused"]


async def test_what_an_extension_cannot_hold_is_not_sold_and_what_it_held_is_let_go(shop: Shop) -> None:
    delivering(shop)
    half = shop.neonpay.use(Half())
    async with shop.polling():
        ann, bob = await shop.visitor(), await shop.visitor("Bob")
        half.refuses = {bob.id}
        with pytest.raises(SaleRefused):
            await shop.neonpay.send_payment(bob.id, "vip")
        link = await shop.neonpay.create_payment_link("vip")
        outcome = await bob.pays(link.link or "")
        assert outcome.status != "paid"
        await shop.settles()
        assert half.noes == [(bob.id, "refused")]
        assert (await ann.pays(link.link or "")).status == "paid"
        await shop.settles()
        assert len(half.held) == 2, "the link, and the checkout that was approved"


async def test_nothing_is_sold_while_an_extension_that_holds_raises(shop: Shop) -> None:
    half = shop.neonpay.use(Half())
    async with shop.polling():
        ann = await shop.visitor()
        link = await shop.neonpay.create_payment_link("vip")
        half.raises = True
        assert (await ann.pays(link.link or "")).status != "paid"
        with pytest.raises(SaleRefused):
            await shop.neonpay.send_payment(ann.id, "vip")
        assert ann.stars == 1000


async def test_an_invoice_that_expires_lets_go_of_what_was_held_for_it(shop: Shop, clock: MovableClock) -> None:
    half = shop.neonpay.use(Half())
    stage = PaymentStage(title="Short", description="A minute", price=5, invoice_ttl_s=60)
    shop.neonpay.create_payment_stage("short", stage)
    async with shop.neonpay:
        invoice = await shop.neonpay.send_payment((await shop.visitor()).id, "short")
        clock.advance(300)
        pipeline = shop.neonpay.program.pipeline
        async with pipeline.periodic_store.turn("expire_invoices", patience_s=30, next_in_s=3600) as turn:
            await pipeline.endings.expire(turn)
    assert half.held == [invoice.invoice_id]
    assert half.let == [(invoice.invoice_id, Release.EXPIRED)]


async def test_a_program_without_an_extension_of_its_shop_sells_nothing(open_shop: Callable[..., Shop]) -> None:
    ruled, other = open_shop(), open_shop()
    ruled.neonpay.use(Half())
    delivering(other)
    async with ruled.neonpay:
        link = await ruled.neonpay.create_payment_link("vip")
    async with other.polling():
        with pytest.raises(ExtensionMissingError, match=r"neonpay\.use\(\.\.\.\).*neonpay handlers retire guard:half"):
            await other.neonpay.create_payment_link("vip")
        ann = await other.visitor()
        assert (await ann.pays(link.link or "")).status != "paid"
        await other.neonpay.handlers.retire("guard:half")
        assert (await ann.pays(link.link or "")).status == "paid"


async def test_a_name_is_used_by_one_extension(shop: Shop) -> None:
    shop.neonpay.use(Half())
    with pytest.raises(ValidationError):
        shop.neonpay.use(Half())

    class Nameless(Extension):
        pass

    with pytest.raises(ValidationError):
        shop.neonpay.use(Nameless())


class Tells(Extension):
    """Is told of sales, fails as often as it is told to, and runs while the shop is open."""

    name = "tells"

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.heard = asyncio.Event()
        self.failures = 0
        self.life: list[str] = []
        self.max_attempts = 10

    def subscribers(self) -> Sequence[Subscriber]:
        names = frozenset({"payment_completed", "invoice_created"})
        return [Subscriber(name="sales", events=names, run=self.hear, max_attempts=self.max_attempts)]

    async def hear(self, event: Event) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("nobody is listening")
        self.told.append(event)
        self.heard.set()

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        self.life.append(f"in {host.bot_id}")
        yield
        self.life.append("out")


async def test_a_subscriber_is_told_of_each_event_of_its_kinds_once_more_after_it_failed(
    shop: Shop, clock: MovableClock
) -> None:
    delivering(shop)
    tells = shop.neonpay.use(Tells())
    tells.failures = 1
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        async with asyncio.timeout(100):
            while len(tells.told) < 2:
                clock.advance(1)
                await asyncio.sleep(0)
        await shop.settles()
    assert sorted(event.name for event in tells.told) == ["invoice_created", "payment_completed"]
    paid = next(event for event in tells.told if event.name == "payment_completed")
    (announced,) = shop.named("payment_completed")
    assert paid == announced
    assert paid.charge_id == outcome.charge_id


async def test_what_a_subscriber_never_takes_is_a_dead_letter_that_is_told_of_once(
    shop: Shop, query: Callable[..., Any]
) -> None:
    tells = Tells()
    tells.failures, tells.max_attempts = 99, 1
    shop.neonpay.use(tells)
    async with shop.neonpay:
        await shop.neonpay.create_payment_link("vip")
        told = await shop.fact("fulfilment_abandoned")
        assert told.handler == "tells:sales"
        letters = await shop.neonpay.jobs.dead_letters()
        assert [(letter.consumer, letter.charge_id, letter.error) for letter in letters] == [
            ("tells:sales", None, "RuntimeError: nobody is listening")
        ]


async def test_a_subscriber_hears_of_what_another_program_did_while_it_was_away(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    first = open_shop()
    first.neonpay.use(Tells())
    async with first.neonpay:
        pass
    other = open_shop()
    async with other.neonpay:
        link = await other.neonpay.create_payment_link("vip")
    clock.advance(120)  # what a program may have had on lease when it stopped is free again
    again = open_shop()
    tells = again.neonpay.use(Tells())
    async with again.neonpay:
        async with asyncio.timeout(100):
            await tells.heard.wait()
    assert [event.invoice_id for event in tells.told] == [link.invoice_id]


async def test_an_extension_stays_whatever_opens_and_closes(shop: Shop) -> None:
    tells = shop.neonpay.use(Tells())
    for _ in range(2):
        async with shop.neonpay:
            await shop.neonpay.create_payment_link("vip")
    bot_id = shop.neonpay.program.adapter.bot_id
    assert tells.life == [f"in {bot_id}", "out"] * 2


async def test_what_an_extension_publishes_is_kept_with_what_it_was_about(
    shop: Shop, query: Callable[..., Any]
) -> None:
    class Badge(Extension):
        name = "badge"

        def settle(self, transaction: Lent, payments: Sequence[Settlement]) -> Mapping[str, SendBack]:
            for one in payments:
                transaction.publish(
                    MedalGiven(
                        bot_id=one.payment.bot_id,
                        event_id=f"badge-{one.payment.charge_id}",
                        at=one.payment.recorded_at,
                        charge_id=one.payment.charge_id,
                    )
                )
            return {}

    delivering(shop)
    shop.neonpay.use(Badge())
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        assert [event.charge_id for event in shop.named("medal_given")] == [outcome.charge_id]
    rows = await query(sa.select(events.c.charge_id).where(events.c.name == "medal_given"))
    assert rows == [(outcome.charge_id,)]


class MedalGiven(Event):
    __slots__ = ()
    name = "medal_given"
