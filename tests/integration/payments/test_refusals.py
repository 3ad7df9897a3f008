"""Who refuses may have a reason and words of their own, in the buyer's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from neonpay import CheckoutRefused, SaleRefused
from neonpay.core.wording import OURS, Catalogue, Text
from neonpay.errors import ConfigurationError
from neonpay.payments.gates import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.integration.conftest import Shop


def compiled(folder: Path, language: str, domain: str, said: dict[Any, Any]) -> Path:
    path = folder / language / "LC_MESSAGES" / f"{domain}.mo"
    path.parent.mkdir(parents=True)
    catalog = Catalog(locale=language)
    for english, words in said.items():
        catalog.add(english, words)
    with path.open("wb") as file:
        write_mo(file, catalog)
    return folder


@pytest.fixture
def two_left(tmp_path: Path) -> Text:
    """A text of somebody else's package, with a number in it."""
    english = ("Only {left} is left.", "Only {left} are left.")
    folder = compiled(
        tmp_path / "shelves", "ru", "shelves", {english: ("Остался {left}.", "Осталось {left}.", "Осталось {left}.")}
    )
    return Catalogue("shelves", folder).translatable_plural(*english, by="left").with_values(left=2)


@pytest.fixture
async def running(shop: Shop) -> AsyncIterator[Shop]:
    async with shop.polling():
        yield shop


class Shelf:
    """A gate that says no for a reason of its own."""

    counts_declines = frozenset({"shelves.too_few"})
    counts_checkouts = False

    def __init__(self, message: Text | str | None) -> None:
        self._refusal = Refusal(reason="shelves.too_few", message=message)
        self.told: list[str] = []

    def check(self, *_: object) -> Refusal:
        return self._refusal

    def withdrawn(self, *_: object) -> None: ...

    def declined(self, _transaction: object, _query: object, reason: str) -> None:
        self.told.append(reason)


async def declined(shop: Shop, language_code: str) -> tuple[str | None, list[str | None]]:
    """What a buyer reads whose checkout is declined, and the reason in the ledger."""
    link = (await shop.neonpay.create_payment_link("vip")).link or ""
    buyer = await shop.visitor(language_code=language_code)
    return await pays(shop, buyer, link)


async def pays(shop: Shop, buyer: Any, link: str) -> tuple[str | None, list[str | None]]:
    outcome = await buyer.pays(link)
    await shop.settles()
    assert outcome.status == "declined"
    return outcome.reason, [event.reason for event in shop.named("checkout_declined")]


@pytest.mark.parametrize(("language_code", "words"), [("ru", "Осталось 2."), ("en", "Only 2 are left.")])
async def test_a_gate_refuses_a_checkout_with_a_reason_and_a_text_of_its_own(
    running: Shop, two_left: Text, language_code: str, words: str
) -> None:
    link = (await running.neonpay.create_payment_link("vip")).link or ""
    shelf = Shelf(two_left)
    running.neonpay.add_gate(shelf)
    buyer = await running.visitor(language_code=language_code)
    assert await pays(running, buyer, link) == (words, ["shelves.too_few"])
    assert shelf.told == ["shelves.too_few"]


@pytest.mark.parametrize(
    ("message", "words"), [("Ask Olga.", "Ask Olga."), (None, "Продавец не может принять этот платёж.")]
)
async def test_a_refusal_without_a_text_has_the_words_of_the_gate_or_the_usual_ones(
    running: Shop, message: str | None, words: str
) -> None:
    link = (await running.neonpay.create_payment_link("vip")).link or ""
    running.neonpay.add_gate(Shelf(message))
    buyer = await running.visitor(language_code="ru")
    assert (await pays(running, buyer, link))[0] == words


async def test_an_offer_that_a_gate_refuses_tells_its_words_in_any_language(running: Shop, two_left: Text) -> None:
    running.neonpay.add_gate(Shelf(two_left))
    with pytest.raises(SaleRefused) as refused:
        await running.neonpay.send_payment(7, "vip")
    await running.settles()
    error = refused.value
    assert (error.reason, error.buyer_text, error.buyer_text_in("ru-RU")) == (
        "shelves.too_few",
        "Only 2 are left.",
        "Осталось 2.",
    )
    assert [event.reason for event in running.named("offer_refused")] == ["shelves.too_few"]


async def test_a_hook_refuses_with_a_reason_and_a_text_of_its_own(running: Shop, two_left: Text) -> None:
    @running.neonpay.on_pre_checkout
    async def look() -> None:
        raise CheckoutRefused(two_left, reason="too_few")

    assert await declined(running, "ru") == ("Осталось 2.", ["too_few"])


async def test_a_refusal_of_a_class_that_says_nothing_of_a_reason_is_a_refusal(running: Shop) -> None:
    class Closed(CheckoutRefused):
        def __init__(self) -> None:
            self.message = "Closed."

    @running.neonpay.on_pre_checkout
    async def look() -> None:
        raise Closed

    assert await declined(running, "en") == ("Closed.", ["refused"])


async def test_a_refusal_that_cannot_be_read_declines_as_an_error(running: Shop) -> None:
    class Torn(CheckoutRefused):
        def __init__(self) -> None:
            """It has no message."""

    @running.neonpay.on_pre_checkout
    async def look() -> None:
        raise Torn

    words, reasons = await declined(running, "en")
    assert (words or "").startswith("Something went wrong")
    assert reasons == ["error"]


async def test_a_seller_says_it_in_other_words_and_in_another_language(
    open_shop: Callable[..., Shop], tmp_path: Path
) -> None:
    sold = "The seller cannot take this payment."
    folder = tmp_path / "words"
    compiled(folder, "ru", "neonpay", {sold: "Закрыто."})
    compiled(folder, "uk", "neonpay", {sold: "Зачинено."})
    shop = open_shop(texts=folder)
    shop.neonpay.on_pre_checkout(_says_no)
    async with shop.polling():
        read = [(await declined(shop, language_code))[0] for language_code in ("ru", "uk", "de")]
    assert read == ["Закрыто.", "Зачинено.", sold]


def _says_no() -> bool:
    return False


def test_a_folder_of_texts_that_has_none_is_refused_when_the_shop_is_made(
    open_shop: Callable[..., Shop], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="no catalogue of texts"):
        open_shop(texts=tmp_path)


def test_ours_are_where_the_package_is() -> None:
    assert (OURS.folder / "ru" / "LC_MESSAGES" / "neonpay.mo").is_file()
