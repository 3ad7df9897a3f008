"""What owners do where they are told: accept a payment, deliver again, give Stars back, open the page, ask for quiet.

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
from neonpay.core.payments import Attention, PaymentState, RefundState
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
from neonpay.store.payment_rows import find_refund

logger = logging.getLogger("neonpay.notifications")

_PRESS: Final = re.compile(r"neonpay:(retry|accept|deliver|had|back|sure|keep):([0-9a-f]{32})")
_TOAST_CHARS: Final = 200
_RETRY = Words("Try again")
_ACCEPT = Words("Accept")
_DELIVER = Words("Yes, accept {stars} Star and deliver", "Yes, accept {stars} Stars and deliver")
_HAD = Words("It was delivered already")
_BACK = Words("Give back")
_SURE = Words("Yes, give {stars} Star back", "Yes, give {stars} Stars back")
_KEEP = Words("No")
_IS_RETRIED = Words("Tried again by {by}")
_IS_ACCEPTED = Words("Accepted by {by}; it is delivered now")
_IS_HAD = Words("Counted as delivered, by {by}")
_WAS_ACCEPTED = Words("It has been accepted already.")
_IS_BACK = Words("Given back by {by}")
_GOES_BACK = Words("On its way back, by {by}")
_NOT_AGAIN = Words("It cannot be tried again: {why}")
_NOBODY_DELIVERS = Words("No program of the shop delivers it now. Start one that does, or give it back.")
_IS_RETURNED = Words("Its Stars have gone back, or are on their way.")
_REFUSED = Words("Telegram refuses the refund: {why}")
_BUSY = Words("Somebody is at it right now.")
_GONE = Words("There is no such payment any more.")
_NOT_FOR_YOU = Words("This button is not for you.")
BUTTONS: Final[Mapping[str, tuple[tuple[Words, str], ...]]] = {
    "fulfilment_abandoned": ((_RETRY, "retry"), (_BACK, "back")),
    "payment_needs_attention": ((_ACCEPT, "accept"), (_BACK, "back")),
    "refund_failed": ((_BACK, "back"),),
}
"""What an owner may do about an event, by its name."""
_ASKS: Final[Mapping[str, tuple[Words, str]]] = {"accept": (_DELIVER, "deliver"), "back": (_SURE, "sure")}
"""What asks once more, in which words, and what a second press does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What has been done, and by whom, which may be somebody who was quicker."""

    by: str
    is_over: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """What buttons do; each is done once for an alert, given the event, the charge and who wants it.

    Attributes:
        accept: have the payment delivered that waits for a person; over where it was not accepted before. Raises PaymentError
            when nobody delivers it, or its Stars go back.
        had: count it as one that was delivered already; the same.
        retry: run the handlers of the payment again; raises PaymentError when there are none to run.
        refund: give the Stars back; raises RefundError when Telegram refuses for good.
    """

    retry: Callable[[str, str, str], Awaitable[Done]]
    accept: Callable[[str, str, str], Awaitable[Done]]
    had: Callable[[str, str, str], Awaitable[Done]]
    refund: Callable[[str, str, str], Awaitable[Done]]


@dataclass(frozen=True, slots=True)
class _About:
    """What a button is about, as it is now."""

    event: Event
    stars: int
    state: PaymentState
    goes_back: bool


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
            found = await host.ledger.read(_about, host.bot_id, event_id)
        except NoResultFound:
            return self._says("alert.gone", _GONE)
        event = found.event
        assert event.charge_id is not None, "it has a payment"
        if what in _ASKS:
            await self._edit(host, press, "editMessageReplyMarkup", self._sure(what, event, found.stars))
            # Whoever gives back what is delivered meanwhile is to know it.
            has_waited = event.name == "payment_needs_attention" and found.state is PaymentState.ACCEPTED
            return self._says("alert.was_accepted", _WAS_ACCEPTED) if has_waited else ""
        if what == "keep":
            await self._edit(host, press, "editMessageReplyMarkup", self.rows(event, str(press.user_id)))
            return ""
        try:
            done = await self._deed(what)(event_id, event.charge_id, f"admin {press.user_id}")
        except BusyError:
            return self._says("alert.busy", _BUSY)
        except RefundError as exc:
            return self._says("alert.refused", _REFUSED, why=exc.description)
        except PaymentError as exc:
            if what in {"deliver", "had"}:
                return await self._why_not(host, event_id)
            return self._says("alert.not_again", _NOT_AGAIN, why=str(exc))
        outcome = self._outcome(what, done)
        rows = [row for row in [self._pages.about(event)] if row]
        await self._edit(host, press, "editMessageText", rows, text=f"{press.message_text or ''}\n\n{outcome}".strip())
        return outcome

    def _deed(self, what: str) -> Callable[[str, str, str], Awaitable[Done]]:
        deeds = self._deeds
        return {"retry": deeds.retry, "deliver": deeds.accept, "had": deeds.had, "sure": deeds.refund}[what]

    def _outcome(self, what: str, done: Done) -> str:
        if what in {"deliver", "had"} and not done.is_over:
            return self._says("alert.was_accepted", _WAS_ACCEPTED)
        if what == "sure" and not done.is_over:
            return self._says("alert.done.sure", _GOES_BACK, by=done.by)
        words = {"retry": _IS_RETRIED, "deliver": _IS_ACCEPTED, "had": _IS_HAD, "sure": _IS_BACK}[what]
        return self._says(f"alert.done.{what}", words, by=done.by)

    async def _why_not(self, host: ShopHost, event_id: str) -> str:
        now = await host.ledger.read(_about, host.bot_id, event_id)
        if now.state is PaymentState.NEEDS_ATTENTION and not now.goes_back:
            return self._says("alert.nobody_delivers", _NOBODY_DELIVERS)
        return self._says("alert.is_returned", _IS_RETURNED)

    def _sure(self, what: str, event: Event, stars: int) -> list[JsonValue]:
        words, deed = _ASKS[what]
        rows = [(self._says(f"alert.button.{deed}", words, stars=stars), deed)]
        if what == "accept" and event.reason == Attention.RESTORED:
            rows.insert(0, (self._says("alert.button.had", _HAD), "had"))
        rows.append((self._says("alert.button.keep", _KEEP), "keep"))
        return [[{"text": text, "callback_data": f"neonpay:{does}:{event.event_id}"}] for text, does in rows]

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


def _about(transaction: Transaction, bot_id: int, event_id: str) -> _About:
    event = find_event(transaction, bot_id, event_id)
    query = sa.select(payments.c.amount_stars, payments.c.state).where(
        payments.c.bot_id == bot_id, payments.c.charge_id == event.charge_id
    )
    stars, state = transaction.connection.execute(query).one()
    refund = find_refund(transaction, bot_id, event.charge_id or "")
    goes_back = refund is not None and refund.state is not RefundState.FAILED
    return _About(event, int(stars), PaymentState(state), goes_back=goes_back)


async def _answer(host: ShopHost, answer: Mapping[str, JsonValue]) -> None:
    try:
        await host.call("answerCallbackQuery", answer)
    except (TelegramError, TelegramUnreachableError) as exc:
        logger.warning("a pressed button was not answered: %s", exc)
