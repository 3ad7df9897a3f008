"""Invoices for Stars: what Telegram accepts, and the links that lead to them."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiogram import types

from neonpay.core.limits import (
    CURRENCY,
    DESCRIPTION_MAX_CHARS,
    PAYLOAD_MAX_BYTES,
    PRICE_MAX_STARS,
    SUBSCRIPTION_PERIOD_S,
    SUBSCRIPTION_PRICE_MAX_STARS,
    TITLE_MAX_CHARS,
)
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.params import Params, is_utf8, lenient_integer
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from random import Random

LINK_PREFIX: Final = "https://t.me/$"
_SLUG_LETTERS: Final = string.ascii_letters + string.digits + "_-"
_SLUG_CHARS: Final = 22
_PHOTO_NUMBER_MAX: Final = 1_000_000_000
_TEST_PERIODS_S: Final = frozenset({60, 300})
"""Periods that the test environment sells (TDL, td_api.tl). UNVERIFIED: whether it sells thirty days as well, as here."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """Something that can be paid, by anybody and any number of times.

    Attributes:
        bot_id: the bot that gets the Stars.
        slug: what its link ends in; empty for invoice messages.
        subscription_period_s: length of one period, 0 for a one-off payment.
    """

    bot_id: int
    title: str
    description: str
    payload: str = field(repr=False)
    amount_stars: int
    start_parameter: str = ""
    photo_url: str = ""
    slug: str = ""
    subscription_period_s: int = 0

    @property
    def link(self) -> str:
        """Its address; only invoices made by createInvoiceLink have one."""
        return LINK_PREFIX + self.slug

    @property
    def as_json(self) -> dict[str, object]:
        """The ``Invoice`` object inside a message."""
        return dump(
            build(
                types.Invoice,
                title=self.title,
                description=self.description,
                start_parameter=self.start_parameter,
                currency=CURRENCY,
                total_amount=self.amount_stars,
            )
        )


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """The invoice fields of a call, read and checked as the server in front of Telegram does; see :func:`read_draft`."""

    title: str
    description: str
    payload: str
    provider_token: str
    currency: str
    amounts: tuple[int, ...]
    start_parameter: str
    photo_url: str
    has_tips: bool
    subscription_period_s: int

    def submit(self, bot_id: int, *, slug: str = "", test_environment: bool = False) -> Invoice:
        """Have Telegram itself look at it, which comes after the chat was found.

        Args:
            bot_id: who sells.
            slug: of the link; empty for a message.
            test_environment: whether this is Telegram's test environment, which has short subscriptions.

        Raises:
            Refusal: Telegram does not sell this.
        """
        self._check_amounts()
        if self.currency != CURRENCY:
            # ERR; seen live with a typo, python-telegram-bot#4711. No payment provider is connected to a simulated bot.
            raise bad_request("PAYMENT_PROVIDER_INVALID")
        if len(self.payload.encode()) > PAYLOAD_MAX_BYTES:
            raise bad_request("INVOICE_PAYLOAD_INVALID")  # ERR
        if self.has_tips:
            raise bad_request("STARS_INVOICE_INVALID")  # ERR; seen live, go-telegram-bot-api#751
        # API, sendInvoice: exactly one price, no provider token, bounds of title and description. UNVERIFIED word.
        too_long = len(self.title) > TITLE_MAX_CHARS or len(self.description) > DESCRIPTION_MAX_CHARS
        if len(self.amounts) != 1 or self.provider_token or too_long:
            raise bad_request("STARS_INVOICE_INVALID")
        if self.photo_url and not _is_web_address(self.photo_url):
            raise bad_request("WEBDOCUMENT_URL_INVALID")  # UNVERIFIED word
        self._check_subscription(for_link=bool(slug), test_environment=test_environment)
        return Invoice(
            bot_id, self.title, self.description, self.payload, self.amounts[0], self.start_parameter, self.photo_url,
            slug, self.subscription_period_s,
        )  # fmt: skip

    def _check_amounts(self) -> None:
        total = 0
        for amount in self.amounts:
            if abs(amount) > PRICE_MAX_STARS:
                raise bad_request("too big amount of the currency specified")  # TDL
            total += amount
        if total <= 0:
            raise bad_request("total price must be positive")  # TDL
        if total > PRICE_MAX_STARS:
            raise bad_request("total price is too big")  # TDL

    def _check_subscription(self, *, for_link: bool, test_environment: bool) -> None:
        if not self.subscription_period_s:
            return
        if not for_link:
            raise bad_request("SUBSCRIPTION_EXPORT_MISSING")  # ERR: subscriptions are sold by links only
        if self.subscription_period_s not in subscription_periods_s(test_environment=test_environment):
            raise bad_request("SUBSCRIPTION_PERIOD_INVALID")  # tdlib/td#3309
        if self.amounts[0] > SUBSCRIPTION_PRICE_MAX_STARS:
            raise bad_request("STARS_INVOICE_INVALID")  # API, createInvoiceLink, has the bound. UNVERIFIED word


def read_draft(params: Params) -> InvoiceDraft:
    """Read the invoice fields of sendInvoice and createInvoiceLink, in the server's order.

    Raises:
        Refusal: a field is missing or cannot be read (SRV: get_input_message_invoice).
    """
    title = params.required("title")
    description = params.required("description")
    if not is_utf8(params.values.get("payload", "")):
        raise bad_request("the payload must be encoded in UTF-8")
    payload = params.required("payload")
    provider_token = params.text("provider_token")
    currency = params.required("currency")
    amounts = _amounts(params)
    tips = params.json("suggested_tip_amounts", "suggested tip amounts")
    if tips is not None and not isinstance(tips, list):
        raise bad_request("expected an Array of suggested tip amounts")
    for name in ("photo_size", "photo_width", "photo_height"):
        params.integer(name, minimum=0, maximum=_PHOTO_NUMBER_MAX)  # clamped, never refused
    return InvoiceDraft(
        title=title,
        description=description,
        payload=payload,
        provider_token=provider_token,
        currency=currency,
        amounts=amounts,
        start_parameter=params.text("start_parameter"),
        photo_url=params.text("photo_url"),
        has_tips=params.integer("max_tip_amount") != 0 or bool(tips),
        subscription_period_s=params.integer("subscription_period", minimum=0, maximum=_PHOTO_NUMBER_MAX),
    )


def subscription_periods_s(*, test_environment: bool) -> frozenset[int]:
    """The periods that are sold."""
    return _TEST_PERIODS_S | {SUBSCRIPTION_PERIOD_S} if test_environment else frozenset({SUBSCRIPTION_PERIOD_S})


def new_slug(random: Random) -> str:
    """The last part of a new invoice link."""
    return "".join(random.choices(_SLUG_LETTERS, k=_SLUG_CHARS))


def _amounts(params: Params) -> tuple[int, ...]:
    params.required("prices")
    prices = params.json("prices", "prices")
    if not isinstance(prices, list):
        raise bad_request("expected an Array of labeled prices")
    if not prices:
        raise bad_request("there must be at least one price")
    return tuple(_amount(price) for price in prices)


def _amount(price: object) -> int:
    if not isinstance(price, dict):
        raise bad_request("can't parse labeled price: LabeledPrice must be an Object")
    label, amount = price.get("label"), price.get("amount")
    if not isinstance(label, str) or not label.strip():
        raise bad_request("can't parse labeled price: LabeledPrice label must be non-empty")
    if isinstance(amount, str):
        amount = lenient_integer(amount)  # SRV: a number or a numeric string
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise bad_request('can\'t parse labeled price: field "amount" must be of type Number')
    return amount


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
