"""What a bot asks for in TL, as parameters of the Bot API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from neonpay.errors import SimulatorError
from neonpay.simulator.mtproto.refusals import RpcRefusal
from neonpay.simulator.wire.params import Params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.mtproto.tl import Tl, TlObject

_ENTITIES: Final = {
    "Blockquote": "blockquote", "Bold": "bold", "BotCommand": "bot_command", "Code": "code", "Email": "email",
    "Hashtag": "hashtag", "Italic": "italic", "Mention": "mention", "Pre": "pre", "Spoiler": "spoiler",
    "Strike": "strikethrough", "TextUrl": "text_link", "Underline": "underline", "Url": "url",
}  # fmt: skip
_ASKS: Final = {
    "name_requested": "need_name", "phone_requested": "need_phone_number", "email_requested": "need_email",
    "shipping_address_requested": "need_shipping_address", "flexible": "is_flexible",
}  # fmt: skip
"""By which an invoice asks the buyer for something."""


def not_simulated(what: str) -> SimulatorError:
    """Telegram does this and the simulator does not; never answered with yes, so that no test passes by accident."""
    return SimulatorError(
        f"{what} is not simulated over MTProto; Telegram has it and neonpay.simulator does not. Do it by the Bot API, which "
        "the simulator has more of, or leave it out while you try payments; docs/reference/simulated-methods.md has the list"
    )


def params(**values: object) -> Params:
    """Parameters of a call; None is left out, and what is nested becomes JSON."""
    return Params({name: _text(value) for name, value in values.items() if value is not None})


def invoice_fields(tl: Tl, media: TlObject) -> Mapping[str, object]:
    """The parameters of sendInvoice and createInvoiceLink in an ``InputMediaInvoice``.

    Raises:
        SimulatorError: it is other media, which is not simulated.
        RpcRefusal: the payload is not UTF-8, as Bot API payloads are.
    """
    name = tl.name_of(media)
    if name != "InputMediaInvoice":
        raise not_simulated(f"sending {name}")
    try:
        payload = media.payload.decode()
    except UnicodeDecodeError as error:
        raise RpcRefusal(400, "INVOICE_PAYLOAD_INVALID") from error
    invoice = media.invoice
    return {
        "title": media.title,
        "description": media.description,
        "payload": payload,
        "provider_token": media.provider,
        "currency": invoice.currency,
        "prices": [{"label": price.label, "amount": price.amount} for price in invoice.prices],
        "start_parameter": media.start_param,
        "photo_url": None if media.photo is None else media.photo.url,
        "max_tip_amount": getattr(invoice, "max_tip_amount", None),
        "suggested_tip_amounts": list(getattr(invoice, "suggested_tip_amounts", None) or ()) or None,
        "subscription_period": getattr(invoice, "subscription_period", None),
        **{ours: True for theirs, ours in _ASKS.items() if getattr(invoice, theirs, None)},
    }


def entities(tl: Tl, given: list[TlObject] | None) -> list[dict[str, object]] | None:
    """Formatting as the Bot API has it; None when there is none, and kinds that carry more than a place are refused."""
    found: list[dict[str, object]] = []
    for entity in given or ():
        name = tl.name_of(entity).removeprefix("MessageEntity")
        if name not in _ENTITIES:
            raise not_simulated(f"formatting with MessageEntity{name}")
        fields = {"type": _ENTITIES[name], "offset": entity.offset, "length": entity.length}
        fields |= {extra: getattr(entity, extra) for extra in ("url", "language") if getattr(entity, extra, None)}
        found.append(fields)
    return found or None


def markup(tl: Tl, given: TlObject | None) -> dict[str, object] | None:
    """Buttons as the Bot API has them."""
    if given is None:
        return None
    name = tl.name_of(given)
    if name == "ReplyKeyboardHide":
        return {"remove_keyboard": True}
    if name == "ReplyKeyboardForceReply":
        return {"force_reply": True}
    if name == "ReplyInlineMarkup":
        return {"inline_keyboard": [[_inline_button(tl, button) for button in row.buttons] for row in given.rows]}
    if name == "ReplyKeyboardMarkup":
        flags = {"resize_keyboard": given.resize, "one_time_keyboard": given.single_use}
        keyboard = [[_reply_button(tl, button) for button in row.buttons] for row in given.rows]
        return {"keyboard": keyboard} | {flag: True for flag, is_set in flags.items() if is_set}
    raise not_simulated(name)


def _inline_button(tl: Tl, button: TlObject) -> dict[str, Any]:
    # Since layer 229 what a button does is an object of its own; before, it was the kind of the button.
    what: TlObject = getattr(button, "type", button)
    name = tl.name_of(what).removeprefix("InlineButtonType").removeprefix("KeyboardButton")
    if name == "Callback":
        return {"text": button.text, "callback_data": what.data.decode()}
    if name == "Url":
        return {"text": button.text, "url": what.url}
    if name == "Buy":
        return {"text": button.text, "pay": True}
    raise not_simulated(tl.name_of(what))


def _reply_button(tl: Tl, button: TlObject) -> dict[str, Any]:
    what = tl.name_of(getattr(button, "type", button))
    if what not in {"KeyboardButton", "ButtonTypeDefault"}:
        raise not_simulated(what)
    return {"text": button.text}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
