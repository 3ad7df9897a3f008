"""Invoices in calls: read as the server reads them, in its order and with its words (SRV).

What Telegram itself says of them comes later, when the chat has been found: :meth:`InvoiceDraft.submit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.simulator.chats.invoices import InvoiceDraft, Price
from neonpay.simulator.wire.fields import Fields, whole_number
from neonpay.simulator.wire.params import INT32_MAX, is_utf8
from neonpay.simulator.wire.refusal import Unreadable, bad_request, inside, not_simulated

if TYPE_CHECKING:
    from neonpay.simulator.wire.params import Params

_PAID_MEDIA: Final = ("paid_media", "extended_media")
_PHOTO_NUMBERS: Final = ("photo_size", "photo_width", "photo_height")
_ASKS: Final = ("need_name", "need_phone_number", "need_email", "need_shipping_address", "is_flexible")
"""By which an invoice asks the buyer for something; ignored for Stars (API, sendInvoice)."""
_PASSES_ON: Final = ("send_phone_number_to_provider", "send_email_to_provider")
"""By which a provider is told what was asked for."""


def read_draft(params: Params) -> InvoiceDraft:
    """The invoice of sendInvoice and createInvoiceLink.

    Raises:
        Refusal: a field is missing or cannot be read (SRV: get_input_message_invoice).
    """
    title, description, payload = (params.required(name, raw=True) for name in ("title", "description", "payload"))
    if not is_utf8(payload):
        raise bad_request("the payload must be encoded in UTF-8")
    currency = params.required("currency", raw=True)
    params.required("prices")
    prices = _prices(params.array("prices", "prices", "Expected an Array of labeled prices") or [])
    tip_text, max_tip_amount = params.text("max_tip_amount"), 0
    if tip_text:
        read = whole_number(tip_text)
        if read is None:
            raise bad_request('can\'t parse "max_tip_amount" as Number')
        max_tip_amount = read
    otherwise = "Expected an Array of suggested tip amounts"
    tips = _tips(params.array("suggested_tip_amounts", "suggested_tip_amounts", otherwise) or [])
    for name in _PAID_MEDIA:
        if params.has(name):
            raise not_simulated(f"parameter {name} of an invoice")
    return InvoiceDraft(
        title=title,
        description=description,
        payload=payload,
        provider_token=params.text("provider_token", raw=True),
        currency=currency,
        prices=prices,
        start_parameter=params.text("start_parameter", raw=True),
        photo_url=params.text("photo_url", raw=True),
        max_tip_amount=max_tip_amount,
        suggested_tip_amounts=tips,
        subscription_period_s=params.integer("subscription_period", minimum=0, maximum=INT32_MAX),
        provider_data=params.text("provider_data", raw=True),
        asks_buyer=tuple(name for name in _ASKS if params.boolean(name)),
    )


def read_content(said: Fields) -> InvoiceDraft:
    """The invoice of an ``InputInvoiceMessageContent``, which has neither start_parameter nor subscription_period.

    Raises:
        Unreadable: a field is missing or is not of its type (SRV: get_input_message_content).
    """
    title, description, payload = (said.required_text(name) for name in ("title", "description", "payload"))
    if not is_utf8(payload):
        raise Unreadable("InputInvoiceMessageContent payload must be encoded in UTF-8")
    provider_token, currency = said.text("provider_token"), said.required_text("currency")
    prices = _prices(said.required_array("prices"))
    provider_data, max_tip_amount = said.text("provider_data"), said.whole("max_tip_amount", bits=64)
    tips = _tips(said.array("suggested_tip_amounts") or [])
    photo_url = said.text("photo_url")
    for name in _PHOTO_NUMBERS:
        said.whole(name)
    asks_buyer = tuple(name for name in _ASKS if said.flag(name))
    for name in _PASSES_ON:
        said.flag(name)
    return InvoiceDraft(
        title, description, payload, provider_token, currency, prices, "", photo_url, max_tip_amount, tips, 0, provider_data,
        asks_buyer,
    )  # fmt: skip


def _prices(given: list[object]) -> tuple[Price, ...]:
    with inside("Can't parse labeled price"):
        prices = tuple(_price(item) for item in given)
    if not prices:
        raise Unreadable("There must be at least one price")
    return prices


def _price(item: object) -> Price:
    said = Fields(item, "LabeledPrice must be an Object")
    label = said.required_text("label")
    if not label:
        raise Unreadable("LabeledPrice label must be non-empty")
    return Price(label, said.required_whole("amount", bits=64))


def _tips(given: list[object]) -> tuple[int, ...]:
    amounts = []
    for item in given:
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            raise Unreadable("Suggested tip amount must be of type Number or String")
        amount = whole_number(item)
        if amount is None:
            raise Unreadable("Can't parse suggested tip amount as Number")
        amounts.append(amount)
    return tuple(amounts)
