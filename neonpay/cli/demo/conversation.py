"""Who said what: buyers as the demo plays them, the shop as its calls to the Bot API show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from neonpay.cli.demo.screen import Screen, shortened

if TYPE_CHECKING:
    from neonpay.simulator import BotAccount, Buyer, Call, Outcome, Simulator

_BUYER, _SHOP, _TELEGRAM = "cyan", "magenta", "yellow"


class Conversation:
    """Prints what happens between people, the shop and Telegram, in the order in which it happens."""

    def __init__(self, telegram: Simulator, shop: BotAccount, screen: Screen) -> None:
        self._telegram = telegram
        self._shop = shop
        self._screen = screen
        self._shown = 0

    def does(self, buyer: Buyer, what: str) -> None:
        """A person does something."""
        self._screen.line(buyer.name, what, style=_BUYER)

    def aside(self, who: str, what: str) -> None:
        """Something happens that nobody says."""
        self._screen.line(who, what, style=_TELEGRAM)

    async def says(self, buyer: Buyer, text: str) -> None:
        """A person writes to the shop."""
        self.does(buyer, " ".join(shortened(word) if len(word) > len(text) / 2 else word for word in text.split(" ")))
        await buyer.says(text, to=self._shop)

    def ended(self, buyer: Buyer, outcome: Outcome) -> None:
        """What Telegram did at the end of a checkout."""
        self.show_calls()
        if outcome.status == "paid":
            self.aside("Telegram", f"takes {outcome.amount_stars} ★ from {buyer.name}, who has {buyer.stars} left")
        else:
            self.aside("Telegram", f"takes nothing: {outcome.status}")

    def skip_calls(self) -> None:
        """Leave out what the shop has done until now."""
        self._shown = len(self._telegram.calls())

    def show_calls(self) -> None:
        """Print what the shop has done since the last look."""
        calls = self._telegram.calls()
        new, self._shown = calls[self._shown :], len(calls)
        names = {buyer.id: buyer.name for buyer in self._telegram.users()}
        for call in new:
            words = _words(call, names)
            if words:
                self._screen.line("shop", words, style=_SHOP, call=call.method)


def _words(call: Call, names: Mapping[int, str]) -> str:
    """A call in words, or nothing when it is not worth a line."""
    said = _said(call, names)
    if said and not call.answered:
        return f"{said}  (lost: the connection broke)"
    if said and not call.ok:
        return f"{said}  (refused: {call.description})"
    return said


def _said(call: Call, names: Mapping[int, str]) -> str:
    params = call.params
    chat_id = params.get("chat_id") or params.get("user_id")
    whom = names.get(chat_id, "") if isinstance(chat_id, int) else ""
    match call.method:
        case "sendMessage":
            first_line = str(params.get("text", "")).splitlines()[0]
            return f"to {whom}: {first_line}{_buttons(params.get('reply_markup'))}"
        case "sendInvoice":
            return f"to {whom}: invoice “{params.get('title')}”  [Pay {_price(params.get('prices'))} ★]"
        case "answerPreCheckoutQuery" if params.get("ok"):
            return "checked against the signed invoice: in order"
        case "answerPreCheckoutQuery":
            return f"declined: {params.get('error_message')}"
        case "refundStarPayment":
            return f"gives the Stars of {shortened(str(params.get('telegram_payment_charge_id')))} back to {whom}"
        case _:
            return ""


def _buttons(markup: object) -> str:
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list):
        return ""
    return "  " + " ".join(f"[{button['text']}]" for row in rows for button in row)


def _price(prices: object) -> int:
    return sum(int(price["amount"]) for price in prices) if isinstance(prices, list) else 0
