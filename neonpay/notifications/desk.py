"""What owners do where they are told: try a delivery again, give Stars back, open the page, ask for quiet.

Buttons carry ids of events, because charge ids are longer than the 64 bytes that Telegram gives a button.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import NoResultFound

from neonpay.core.events import Event
from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Command, Press
from neonpay.core.text import clean
from neonpay.core.words import Words
from neonpay.errors import BusyError, PaymentError, RefundError, TelegramError, TelegramUnreachableError
from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments
from neonpay.notifications.muting import Mutes, wants_mute
from neonpay.notifications.pages import Pages, Says
from neonpay.payments.host import ShopHost
from neonpay.store.entries import find_event

logger = logging.getLogger("neonpay.notifications")

_PRESS: Final = re.compile(r"neonpay:(retry|back|sure|keep):([0-9a-f]{32})")
_TOAST_CHARS: Final = 200
_RETRY = Words("Try again")
_BACK = Words("Give back")
_SURE = Words("Yes, give {stars} Star back", "Yes, give {stars} Stars back")
_KEEP = Words("No")
_IS_RETRIED = Words("Tried again by {by}")
_IS_BACK = Words("Given back by {by}")
_GOES_BACK = Words("On its way back, by {by}")
_NOT_AGAIN = Words("It cannot be tried again: {why}")
_REFUSED = Words("Telegram refuses the refund: {why}")
_BUSY = Words("Somebody is at it right now.")
_GONE = Words("There is no such payment any more.")
_NOT_FOR_YOU = Words("This button is not for you.")
BUTTONS: Final[Mapping[str, tuple[tuple[Words, str], ...]]] = {
    "fulfilment_abandoned": ((_RETRY, "retry"), (_BACK, "back")),
    "payment_needs_attention": ((_BACK, "back"),),
    "refund_failed": ((_BACK, "back"),),
}
"""What an owner may do about an event, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What has been done, and by whom, which may be somebody who was quicker."""

    by: str
    is_over: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """What buttons do; each is done once for an alert, given the event, the charge and who wants it.

    Attributes:
        retry: run the handlers of the payment again; raises PaymentError when there are none to run.
        refund: give the Stars back; raises RefundError when Telegram refuses for good.
    """

    retry: Callable[[str, str, str], Awaitable[Done]]
    refund: Callable[[str, str, str], Awaitable[Done]]


class AlertDesk:
    """Answers the buttons and ``/mute`` of the owners; a ``Conversation`` with them alone.

    Args:
        owners: user ids.
        pages: where buttons lead that open something.
        says: words for the owners.
        host: the shop while it is open.
        mutes: who wants quiet.
    """

    def __init__(
        self,
        owners: Sequence[int],
        deeds: Deeds,
        pages: Pages,
        *,
        says: Says,
        host: Callable[[], ShopHost | None],
        mutes: Mutes,
    ) -> None:
        self.answers_only = frozenset(owners)
        self._deeds = deeds
        self._pages = pages
        self._says = says
        self._host = host
        self._mutes = mutes

    def wants_command(self, text: str) -> bool:
        """Whether a message is ``/mute``."""
        return wants_mute(text)

    def wants_press(self, data: str) -> bool:
        """Whether a button is one of ours."""
        return _PRESS.fullmatch(data) is not None

    def rows(self, event: Event, recipient: str) -> list[JsonValue]:
        """The rows of buttons under what a recipient is told of an event."""
        does: list[JsonValue] = []
        if event.charge_id is not None and recipient in {str(owner) for owner in self.answers_only}:
            does = [
                {"text": self._says(f"alert.button.{what}", words), "callback_data": f"neonpay:{what}:{event.event_id}"}
                for words, what in BUTTONS.get(event.name, ())
            ]
        return [row for row in (does, self._pages.about(event)) if row]

    async def command(self, command: Command) -> None:
        """Be quiet, or tell everything again, and say so."""
        host = self._host()
        if host is None or command.user_id not in self.answers_only:
            return
        answer = await self._mutes.change(host, command.user_id, command.text)
        message: dict[str, JsonValue] = {"chat_id": command.user_id, "text": answer}
        if command.message_thread_id is not None:
            message["message_thread_id"] = command.message_thread_id
        await host.outbox.post("sendMessage", message, chat_id=command.user_id, asker_id=command.user_id)

    async def press(self, press: Press) -> None:
        """Do what a button says, and answer the press."""
        host, found = self._host(), _PRESS.fullmatch(press.data)
        if host is None or found is None:
            return
        toast = ""
        try:
            if press.user_id not in self.answers_only:
                toast = self._says("alert.not_for_you", _NOT_FOR_YOU)
            else:
                toast = await self._do(host, press, *found.groups())
        finally:
            answer: dict[str, JsonValue] = {"callback_query_id": press.query_id}
            await _answer(host, answer | ({"text": clean(toast, _TOAST_CHARS)} if toast else {}))

    async def _do(self, host: ShopHost, press: Press, what: str, event_id: str) -> str:
        try:
            event, stars = await host.ledger.read(_about, host.bot_id, event_id)
        except NoResultFound:
            return self._says("alert.gone", _GONE)
        assert event.charge_id is not None, "it has a payment"
        if what in {"back", "keep"}:
            rows = self._sure(event_id, stars) if what == "back" else self.rows(event, str(press.user_id))
            await self._edit(host, press, "editMessageReplyMarkup", rows)
            return ""
        by = f"admin {press.user_id}"
        try:
            if what == "retry":
                done = await self._deeds.retry(event_id, event.charge_id, by)
            else:
                done = await self._deeds.refund(event_id, event.charge_id, by)
        except BusyError:
            return self._says("alert.busy", _BUSY)
        except RefundError as exc:
            return self._says("alert.refused", _REFUSED, why=exc.description)
        except PaymentError as exc:
            return self._says("alert.not_again", _NOT_AGAIN, why=str(exc))
        words = _IS_RETRIED if what == "retry" else _IS_BACK if done.is_over else _GOES_BACK
        outcome = self._says(f"alert.done.{what}", words, by=done.by)
        rows = [row for row in [self._pages.about(event)] if row]
        await self._edit(host, press, "editMessageText", rows, text=f"{press.message_text or ''}\n\n{outcome}".strip())
        return outcome

    def _sure(self, event_id: str, stars: int) -> list[JsonValue]:
        yes = self._says("alert.button.sure", _SURE, stars=stars)
        no = self._says("alert.button.keep", _KEEP)
        buttons = ((yes, "sure"), (no, "keep"))
        return [[{"text": text, "callback_data": f"neonpay:{what}:{event_id}"}] for text, what in buttons]

    async def _edit(
        self, host: ShopHost, press: Press, method: str, rows: Sequence[JsonValue], **more: JsonValue
    ) -> None:
        if press.message_id is None or press.chat_id is None:
            return
        params: dict[str, JsonValue] = {"chat_id": press.chat_id, "message_id": press.message_id, **more}
        params["reply_markup"] = {"inline_keyboard": rows}
        if "text" in more:
            params["link_preview_options"] = {"is_disabled": True}
        await host.outbox.post(method, params, chat_id=press.chat_id, asker_id=press.user_id)


def _about(transaction: Transaction, bot_id: int, event_id: str) -> tuple[Event, int]:
    event = find_event(transaction, bot_id, event_id)
    query = sa.select(payments.c.amount_stars).where(
        payments.c.bot_id == bot_id, payments.c.charge_id == event.charge_id
    )
    return event, int(transaction.connection.execute(query).scalar_one())


async def _answer(host: ShopHost, answer: Mapping[str, JsonValue]) -> None:
    try:
        await host.call("answerCallbackQuery", answer)
    except (TelegramError, TelegramUnreachableError) as exc:
        logger.warning("a pressed button was not answered: %s", exc)
