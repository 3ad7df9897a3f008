"""Invoices: what Telegram accepts, for Stars and in the currencies of a test provider, and the links that lead to them."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from neonpay.core.limits import (
    CURRENCY,
    DESCRIPTION_MAX_CHARS,
    PAYLOAD_MAX_BYTES,
    PRICE_MAX_STARS,
    SUBSCRIPTION_PERIOD_S,
    SUBSCRIPTION_PRICE_MAX_STARS,
    TITLE_MAX_CHARS,
)
from neonpay.simulator.chats import currencies
from neonpay.simulator.wire.params import is_utf8
from neonpay.simulator.wire.refusal import Unreadable, bad_request, not_simulated
from neonpay.simulator.wire.urls import parse_url

if TYPE_CHECKING:
    from random import Random

LINK_PREFIX: Final = "https://t.me/$"
_SLUG_LETTERS: Final = string.ascii_letters + string.digits + "_-"
_SLUG_CHARS: Final = 22
_TEST_PROVIDER: Final = re.compile(r"[0-9]+:TEST:.+", re.DOTALL)
"""What BotFather gives for a provider in test mode. UNVERIFIED: that every such token looks so."""
_LIVE_PROVIDER: Final = re.compile(r"[0-9]+:LIVE:.+", re.DOTALL)
_TIPS_MAX: Final = 4
"""Most amounts that may be suggested as a tip (TDL)."""
_TEST_PERIODS_S: Final = frozenset({60, 300})
"""Periods that the test environment sells (TDL, td_api.tl). UNVERIFIED: whether it sells thirty days as well, as here."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """Something that can be paid, by anybody and any number of times.

    Attributes:
        bot_id: the bot that is paid.
        amount: in the smallest unit of the currency; whole Stars for XTR.
        slug: what its link ends in; empty for invoice messages.
        subscription_period_s: length of one period, 0 for a one-off payment.
    """

    bot_id: int
    title: str
    description: str
    payload: str = field(repr=False)
    amount: int
    start_parameter: str = ""
    photo_url: str = ""
    slug: str = ""
    subscription_period_s: int = 0
    currency: str = CURRENCY

    @property
    def amount_stars(self) -> int:
        """Stars that it takes; 0 in another currency."""
        return currencies.stars_of(self.amount, self.currency)

    @property
    def link(self) -> str:
        """Its address; only invoices made by createInvoiceLink have one."""
        return LINK_PREFIX + self.slug

    @property
    def as_json(self) -> dict[str, object]:
        """The ``Invoice`` object inside a message."""
        return {
            "title": self.title,
            "description": self.description,
            "start_parameter": self.start_parameter,
            "currency": self.currency,
            "total_amount": self.amount,
        }


@dataclass(frozen=True, slots=True)
class Price:
    """One part of what is asked for."""

    label: str
    amount: int


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """The invoice fields of a call, as the server in front of Telegram reads them; see ``calls/drafts.py``.

    Attributes:
        asks_buyer: the fields by which it asks the buyer for a name, an address and the like, which invoices for Stars do not.
    """

    title: str
    description: str
    payload: str
    provider_token: str
    currency: str
    prices: tuple[Price, ...]
    start_parameter: str
    photo_url: str
    max_tip_amount: int
    suggested_tip_amounts: tuple[int, ...]
    subscription_period_s: int
    provider_data: str = ""
    asks_buyer: tuple[str, ...] = ()

    def submit(self, bot_id: int, *, slug: str = "", test_environment: bool = False) -> Invoice:
        """Have Telegram itself look at it, which comes after the chat was found.

        Args:
            bot_id: who sells.
            slug: of the link; empty for a message.
            test_environment: whether this is Telegram's test environment, which has short subscriptions.

        Raises:
            Refusal: Telegram does not sell this, or the simulator does not.
        """
        self._check_letters()
        self._check_amounts()
        self._check_tips()
        if self.currency != CURRENCY:
            self._check_provider()
        if len(self.payload.encode()) > PAYLOAD_MAX_BYTES:
            raise bad_request("INVOICE_PAYLOAD_INVALID")  # ERR
        if self.currency == CURRENCY:
            self._check_stars(for_link=bool(slug), test_environment=test_environment)
        else:
            self._check_currency(for_link=bool(slug))
        return Invoice(
            bot_id, self.title, self.description, self.payload, sum(price.amount for price in self.prices),
            self.start_parameter, _photo(self.photo_url), slug, self.subscription_period_s, self.currency,
        )  # fmt: skip

    @property
    def _is_too_long(self) -> bool:
        return len(self.title) > TITLE_MAX_CHARS or len(self.description) > DESCRIPTION_MAX_CHARS

    def _check_stars(self, *, for_link: bool, test_environment: bool) -> None:
        if self.max_tip_amount or self.suggested_tip_amounts:
            raise bad_request("STARS_INVOICE_INVALID")  # ERR; seen live, go-telegram-bot-api#751
        # API, sendInvoice: exactly one price, no provider token, bounds of title and description. UNVERIFIED word.
        if len(self.prices) != 1 or self.provider_token or self._is_too_long:
            raise bad_request("STARS_INVOICE_INVALID")
        self._check_subscription(for_link=for_link, test_environment=test_environment)

    def _check_provider(self) -> None:
        """Every token of the shape of a test provider's is one; a live one would take money, which nothing here does."""
        if _LIVE_PROVIDER.fullmatch(self.provider_token):
            raise not_simulated("a payment provider in live mode")
        if not _TEST_PROVIDER.fullmatch(self.provider_token):
            # ERR; seen live without a token, python-telegram-bot#4711 (2025-03-09), and with a token that is another's,
            # eternnoir/pyTelegramBotAPI#348 (2017-06-02); read 2026-11-28.
            raise bad_request("PAYMENT_PROVIDER_INVALID")

    def _check_currency(self, *, for_link: bool) -> None:
        # Seen live, eternnoir/pyTelegramBotAPI#1505 (2022-04-19; read 2026-11-28). UNVERIFIED: for an unknown code.
        if not currencies.is_code(self.currency):
            raise bad_request("CURRENCY_INVALID")
        # ERR; seen live below the minimum, TelegramBot/Api#136 (2018-03-22), eternnoir/pyTelegramBotAPI#595 (2018-11-06).
        if sum(price.amount for price in self.prices) > currencies.AMOUNT_MAX:
            raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
        if self._is_too_long:
            raise bad_request("INVOICE_INVALID")  # API, sendInvoice, has the bounds. UNVERIFIED word
        if self.subscription_period_s:
            # API, createInvoiceLink: a subscription is in XTR. UNVERIFIED word for links.
            raise bad_request("SUBSCRIPTION_PERIOD_INVALID" if for_link else "SUBSCRIPTION_EXPORT_MISSING")
        if self.asks_buyer:
            raise not_simulated(f"an invoice with {', '.join(self.asks_buyer)}")

    def _check_letters(self) -> None:
        said = {
            "title": self.title, "description": self.description, "photo URL": self.photo_url,
            "bot start parameter": self.start_parameter, "provider token": self.provider_token,
            "provider data": self.provider_data, "currency": self.currency,
        }  # fmt: skip
        for name, text in said.items():
            if not is_utf8(text):
                raise bad_request(f"Invoice {name} must be encoded in UTF-8")  # TDL

    def _check_amounts(self) -> None:
        total = 0
        for price in self.prices:
            if not is_utf8(price.label):
                raise bad_request("Price part label must be encoded in UTF-8")  # TDL
            if abs(price.amount) > PRICE_MAX_STARS:
                raise bad_request("too big amount of the currency specified")  # TDL
            total += price.amount
        if total <= 0:
            raise bad_request("total price must be positive")  # TDL
        if total > PRICE_MAX_STARS:
            raise bad_request("total price is too big")  # TDL

    def _check_tips(self) -> None:
        # TDL: InputInvoice::process_input_message_invoice
        if not 0 <= self.max_tip_amount <= PRICE_MAX_STARS:
            raise bad_request("invalid max_tip_amount of the currency specified")
        for amount in self.suggested_tip_amounts:
            if amount <= 0:
                raise bad_request("suggested tip amount must be positive")
            if amount > self.max_tip_amount:
                raise bad_request("suggested tip amount can't be bigger than max_tip_amount")
        if len(self.suggested_tip_amounts) > _TIPS_MAX:
            raise bad_request(f"there can be at most {_TIPS_MAX} suggested tip amounts")

    def _check_subscription(self, *, for_link: bool, test_environment: bool) -> None:
        if not self.subscription_period_s:
            return
        if not for_link:
            raise bad_request("SUBSCRIPTION_EXPORT_MISSING")  # ERR: subscriptions are sold by links only
        if self.subscription_period_s not in subscription_periods_s(test_environment=test_environment):
            raise bad_request("SUBSCRIPTION_PERIOD_INVALID")  # tdlib/td#3309
        if self.prices[0].amount > SUBSCRIPTION_PRICE_MAX_STARS:
            raise bad_request("STARS_INVOICE_INVALID")  # API, createInvoiceLink, has the bound. UNVERIFIED word


def subscription_periods_s(*, test_environment: bool) -> frozenset[int]:
    """The periods that are sold."""
    return _TEST_PERIODS_S | {SUBSCRIPTION_PERIOD_S} if test_environment else frozenset({SUBSCRIPTION_PERIOD_S})


def new_slug(random: Random) -> str:
    """The last part of a new invoice link."""
    return "".join(random.choices(_SLUG_LETTERS, k=_SLUG_CHARS))


def _photo(url: str) -> str:
    """The address under which Telegram looks for a picture; none when it cannot be read (TDL), which is no error."""
    try:
        return str(parse_url(url))
    except Unreadable:
        return ""
