"""Pressed inline buttons that wait for the bot's answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aiogram import types

    from neonpay.simulator.money.checkout import InvoiceForm


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a pressed button did.

    Attributes:
        kind: ``callback`` asked the bot, ``form`` opened an invoice, ``url`` left Telegram, ``message`` wrote to the bot,
            ``joined`` followed an invite link, ``inline`` began an inline query, ``web_app`` opened a Mini App, ``copied``
            copied a text.
        answered: the bot has called answerCallbackQuery.
        text: the notification that it shows, if any; the words of the query; what was copied.
        show_alert: whether that is a dialog.
        url: what was opened.
        form: the opened invoice, which ``pays`` takes.
        message: what was written to the bot.
    """

    kind: Literal["callback", "form", "url", "message", "joined", "inline", "web_app", "copied"]
    answered: bool = False
    text: str = ""
    show_alert: bool = False
    url: str = ""
    form: InvoiceForm | None = None
    message: types.Message | None = None


@dataclass(slots=True, eq=False)
class Press:
    """A callback query that the bot may answer once."""

    query_id: str
    bot_id: int
    pressed_at: float
    answer: Pressed | None = field(default=None)
