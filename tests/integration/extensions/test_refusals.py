"""Extensions and gates say no for reasons of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from neonpay import PaymentResult
from neonpay.core.checkout import CheckoutRefused, Decline
from neonpay.core.words import Translated
from neonpay.errors import SaleRefused, ValidationError
from neonpay.payments.extension import Asked, Claim, Extension, Lent, Quote, Release, Released
from neonpay.payments.gates import Refusal, Sale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from neonpay.core.payments import PreCheckout
    from neonpay.ledger import Transaction
    from tests.integration.conftest import Shop


class Shelf(Extension):
    """Says no to every checkout when it is empty, and to every offer when it is closed."""

    name = "shelf"

    def __init__(self, empty: Refusal, closed: Refusal | None = None) -> None:
        self.empty = empty
        self.closed = closed
        self.noes: list[str] = []

    def quote(self, transaction: Lent, asked: Asked, quote: Quote) -> Quote | Refusal:
        return self.closed or quote

    def hold(self, transaction: Lent, claims: Sequence[Claim]) -> Mapping[str, Refusal]:
        return {one.claim_id: self.empty for one in claims if one.query is not None}

    def let_go(self, transaction: Lent, claims: Sequence[Released], why: Release) -> None: ...

    def declined(self, transaction: Lent, query: PreCheckout, reason: str) -> None:
        self.noes.append(reason)


class Door:
    """A gate that lets nobody in, and is told of those that it turns away."""

    counts_declines = frozenset({"no_ticket"})
    counts_checkouts = False

    def __init__(self) -> None:
        self.noes: list[str] = []

    def check(self, transaction: Transaction, sale: Sale) -> Refusal | None:
        return None if sale.query is None else Refusal(reason="no_ticket", message="Tickets only.")

    def withdrawn(self, *_: object) -> None: ...

    def declined(self, transaction: Transaction, query: PreCheckout, reason: str) -> None:
        self.noes.append(reason)


async def read_at_the_checkout(shop: Shop, language_code: str = "en") -> str | None:
    """What somebody reads whose checkout is declined."""

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor(language_code=language_code))
        assert outcome.status == "declined"
        return outcome.reason


async def test_a_reason_of_an_extension_is_in_the_event_and_its_words_are_read(shop: Shop) -> None:
    shelf = shop.neonpay.use(Shelf(Refusal(reason="sold_out", message="The last one has just been sold.")))
    assert await read_at_the_checkout(shop, "ru") == "The last one has just been sold."
    assert [event.reason for event in shop.named("checkout_declined")] == ["sold_out"]
    assert shelf.noes == ["sold_out"]


@pytest.mark.parametrize("message", [None, "", " \n"])
@pytest.mark.parametrize(
    ("language_code", "words"),
    [("de", "The seller cannot take this payment."), ("ru", "Продавец не может принять этот платёж.")],
)
async def test_a_reason_that_nobody_knows_and_without_words_is_a_refusal_of_the_seller(
    shop: Shop, message: str | None, language_code: str, words: str
) -> None:
    shop.neonpay.use(Shelf(Refusal(reason="sold_out", message=message)))
    assert await read_at_the_checkout(shop, language_code) == words
    assert [event.reason for event in shop.named("checkout_declined")] == ["sold_out"]


async def test_a_reason_of_neonpay_has_its_words_whoever_gives_it(shop: Shop) -> None:
    shop.neonpay.use(Shelf(Refusal(reason=Decline.NOT_ON_SALE)))
    assert await read_at_the_checkout(shop, "ru") == "Этот товар больше не продаётся."
    assert [event.reason for event in shop.named("checkout_declined")] == ["not_on_sale"]


async def test_an_offer_is_refused_for_a_reason_of_an_extension(shop: Shop) -> None:
    no = Refusal(reason="closed_today", retry_after_s=60)
    shop.neonpay.use(Shelf(no, closed=no))
    async with shop.neonpay:
        with pytest.raises(SaleRefused, match="closed_today; again in 60 s") as refused:
            await shop.neonpay.send_payment((await shop.visitor()).id, "vip")
        await shop.neonpay.program.drain()
    assert (refused.value.reason, refused.value.buyer_text) == ("closed_today", "The seller cannot take this payment.")
    assert [event.reason for event in shop.named("offer_refused")] == ["closed_today"]


async def test_a_gate_is_told_of_checkouts_that_were_declined_for_its_own_reason(shop: Shop) -> None:
    door = Door()
    shop.neonpay.add_gate(door)
    assert await read_at_the_checkout(shop) == "Tickets only."
    assert [event.reason for event in shop.named("checkout_declined")] == ["no_ticket"]
    assert door.noes == ["no_ticket"]


async def test_a_reason_and_words_that_no_database_keeps_are_kept_without_what_they_cannot_have(shop: Shop) -> None:
    shop.neonpay.use(Shelf(Refusal(reason="sold\0out" + "!" * 1000, message="No\0more")))
    assert await read_at_the_checkout(shop) == "No\N{REPLACEMENT CHARACTER}more"
    (declined,) = shop.named("checkout_declined")
    assert declined.reason is not None
    assert declined.reason.startswith("sold\N{REPLACEMENT CHARACTER}out!")
    assert len(declined.reason) == 500


@pytest.mark.parametrize("reason", ["", " ", None, 7])
def test_a_refusal_has_a_reason(reason: Any) -> None:
    with pytest.raises(ValidationError, match="reason must be a word that says why, such as 'sold_out'"):
        Refusal(reason=reason)


TOO_FEW = Translated("Only 2 are left.", {"ru": "Осталось 2.", "pt_BR": "Restam 2."})


@pytest.mark.parametrize(
    ("language_code", "words"), [("ru-RU", "Осталось 2."), ("pt-br", "Restam 2."), ("de", "Only 2 are left.")]
)
async def test_a_translated_message_is_read_in_the_language_of_the_buyer(
    shop: Shop, language_code: str, words: str
) -> None:
    shop.neonpay.use(Shelf(Refusal(reason="too_few", message=TOO_FEW)))
    assert await read_at_the_checkout(shop, language_code) == words
    assert [event.reason for event in shop.named("checkout_declined")] == ["too_few"]


async def test_a_translated_message_that_is_blank_in_a_language_is_the_sellers_refusal_there(shop: Shop) -> None:
    shop.neonpay.use(Shelf(Refusal(reason="too_few", message=Translated("Only 2 are left.", {"ru": " "}))))
    assert await read_at_the_checkout(shop, "ru") == "Продавец не может принять этот платёж."


async def test_an_offer_that_is_refused_says_why_in_any_language(shop: Shop) -> None:
    no = Refusal(reason="too_few", message=TOO_FEW)
    shop.neonpay.use(Shelf(no, closed=no))
    async with shop.neonpay:
        with pytest.raises(SaleRefused) as refused:
            await shop.neonpay.send_payment((await shop.visitor()).id, "vip")
    error = refused.value
    assert (error.buyer_text, error.buyer_text_in("ru"), error.buyer_text_in(None)) == (
        "Only 2 are left.",
        "Осталось 2.",
        "Only 2 are left.",
    )


async def test_a_hook_refuses_for_a_reason_of_its_own_and_in_the_language_of_the_buyer(shop: Shop) -> None:
    @shop.neonpay.on_pre_checkout
    async def look() -> None:
        raise CheckoutRefused(TOO_FEW, reason="too_few")

    assert await read_at_the_checkout(shop, "ru") == "Осталось 2."
    assert [event.reason for event in shop.named("checkout_declined")] == ["too_few"]


async def test_a_refusal_of_a_class_that_says_nothing_of_a_reason_is_a_refusal(shop: Shop) -> None:
    class Closed(CheckoutRefused):
        def __init__(self) -> None:
            self.message = "Closed."

    @shop.neonpay.on_pre_checkout
    async def look() -> None:
        raise Closed

    assert await read_at_the_checkout(shop) == "Closed."
    assert [event.reason for event in shop.named("checkout_declined")] == ["refused"]


async def test_a_refusal_that_cannot_be_read_declines_as_an_error(shop: Shop) -> None:
    class Torn(CheckoutRefused):
        def __init__(self) -> None:
            """It has no message."""

    @shop.neonpay.on_pre_checkout
    async def look() -> None:
        raise Torn

    assert (await read_at_the_checkout(shop) or "").startswith("Something went wrong")
    assert [event.reason for event in shop.named("checkout_declined")] == ["error"]
