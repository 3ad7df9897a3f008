"""The conversation about money that went: a buyer chooses a payment and asks, the shop's people decide, the buyer is told.

Buttons carry ids of ours, because charge ids are longer than the 64 bytes that Telegram gives a button.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neonpay.core.jsontext import JsonValue
from neonpay.core.payments import Payment
from neonpay.core.ports import Command, Press
from neonpay.core.requests import WORDS_MAX_CHARS, RefundRequest, RequestState
from neonpay.errors import PaymentError, RefundError, RequestNotFoundError, TelegramError, TelegramUnreachableError
from neonpay.payments.delivery.telling import Teller
from neonpay.payments.handlers.builtin_jobs import MessageRefused
from neonpay.payments.handlers.context import PaymentContext
from neonpay.payments.refunds.request_store import Verdict
from neonpay.payments.refunds.requests import BY_POLICY, RequestService
from neonpay.support.texts import Text, own_words, say
from neonpay.telegram.outbox import Outbox
from neonpay.telegram.paced import PacedAdapter

logger = logging.getLogger("neonpay.support")

_COMMAND = re.compile(r"/(paysupport|terms|support)(?:@\w+)?(?:\s+(.*))?\s*", re.DOTALL | re.IGNORECASE)
_PRESS = re.compile(r"neonpay:(ask|send|yes|no):([A-Za-z0-9_-]{1,40})")
_SHOWN_PAYMENTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportRules:
    """How a shop supports its buyers.

    Attributes:
        admins: user ids of those who decide; each must have started the bot.
        terms: answer to /terms; None leaves the command to the host.
        contact: answer to /support, and under what /paysupport says; None leaves the command to the host.
        admin_language: language of what the admins read.
    """

    admins: tuple[int, ...]
    terms: str | Mapping[str, str] | None = None
    contact: str | Mapping[str, str] | None = None
    admin_language: str = "en"

    def wants_command(self, text: str) -> bool:
        """Whether a message is a command that is answered here."""
        found = _COMMAND.fullmatch(text)
        if found is None:
            return False
        answers = {"paysupport": True, "terms": self.terms is not None, "support": self.contact is not None}
        return answers[found[1].lower()]


def wants_press(data: str) -> bool:
    """Whether a pressed button is one of ours."""
    return _PRESS.fullmatch(data) is not None


class SupportDesk:
    """Talks to the buyers and the admins of one bot."""

    def __init__(
        self, rules: SupportRules, requests: RequestService, adapter: PacedAdapter, outbox: Outbox, teller: Teller
    ) -> None:
        self._rules = rules
        self._requests = requests
        self._adapter = adapter
        self._outbox = outbox
        self._teller = teller

    async def command(self, command: Command) -> None:
        """Answer a command that ``wants_command``, at once or when the chat's turn has come.

        A message that cannot be sent, or for which too many wait, is logged.
        """
        found = _COMMAND.fullmatch(command.text)
        assert found is not None, "only wanted commands are handed over"
        name, words = found[1].lower(), (found[2] or "").strip()
        own = {"terms": self._rules.terms, "support": self._rules.contact}.get(name)
        language = command.language_code
        if own is not None:
            await self._tell(command, own_words(own, language))
            return
        draft = await self._requests.draft_of(command.user_id) if words else None
        words = words[:WORDS_MAX_CHARS]
        if draft is not None:
            toast = await self._send(draft, command.user_id, words, language)
            if toast:
                await self._tell(command, toast)
            return
        if words:
            await self._requests.keep_words(command.user_id, words)
        await self._offer_payments(command, has_words=bool(words))

    async def press(self, press: Press) -> None:
        """Do what a button of ours says and answer the press; messages go as those of ``command``."""
        found = _PRESS.fullmatch(press.data)
        assert found is not None, "only wanted presses are handed over"
        does = {"ask": self._choose, "send": self._send_chosen, "yes": self._decide, "no": self._decide}[found[1]]
        toast = ""
        try:
            toast = await does(press, found[2])
        finally:
            answer: dict[str, JsonValue] = {"callback_query_id": press.query_id}
            await self._answer({**answer, "text": toast[:200]} if toast else answer)

    async def ask_admins(self, payment: Payment, context: PaymentContext) -> None:
        """The job that shows a request to everybody who may decide, once each."""
        request = await self._requests.about(payment.charge_id)
        if request.state is not RequestState.OPEN:
            return
        language = self._rules.admin_language
        text = say(Text.REQUEST, language, user=payment.user_id, charge=payment.charge_id, **_facts(payment))
        if request.words:
            text += "\n" + say(Text.REASON, language, words=request.words)
        buttons = [
            {"text": say(label, language), "callback_data": f"neonpay:{does}:{request.request_id}"}
            for label, does in ((Text.APPROVE, "yes"), (Text.REFUSE, "no"))
        ]
        for admin in self._rules.admins:

            async def show(chat_id: int) -> None:
                try:
                    await self._teller.tell(chat_id, _message(text, [buttons]))
                except MessageRefused as exc:  # the other admins are asked all the same
                    logger.warning("admin %d could not be told: %s", chat_id, exc)

            await context.step(f"admin {admin}", show, admin)
        if not self._rules.admins:
            logger.warning("request %s waits, and no admin is named who could decide", request.request_id)

    async def answer_buyer(self, payment: Payment, context: PaymentContext) -> None:
        """The job that tells a buyer what has become of their request, once for each state it comes to."""
        request = await self._requests.about(payment.charge_id)
        if request.state is RequestState.DRAFT:
            return
        text = self._status(request, payment, request.language_code)

        async def tell() -> None:
            await self._teller.tell(payment.user_id, _message(text, []), about=payment)

        await context.step(f"told {request.state.value}", tell)

    async def _offer_payments(self, command: Command, *, has_words: bool) -> None:
        language = command.language_code
        choices = await self._requests.choices(command.user_id, limit=_SHOWN_PAYMENTS)
        rows: list[JsonValue] = []
        for payment, event_id, _ in choices:
            facts = _facts(payment)
            label = f"{facts['title']} · {facts['stars']} ⭐ · {facts['date']}"
            rows.append([{"text": label, "callback_data": f"neonpay:ask:{event_id}"}])
        lines = [say(Text.CHOOSE if choices else Text.NOTHING_PAID, language)]
        if choices and has_words:
            lines = [say(Text.CHOOSE_FOR_WORDS, language)]
        if self._rules.contact is not None:
            lines.append(say(Text.CONTACT, language, contact=own_words(self._rules.contact, language)))
        await self._tell(command, "\n\n".join(lines), rows)

    async def _choose(self, press: Press, event_id: str) -> str:
        language = press.language_code
        request = await self._requests.draft(event_id, user_id=press.user_id)
        if request is None:
            return say(Text.NOT_YOURS, language)
        payment = await self._requests.payment_of(request)
        if request.state is not RequestState.DRAFT:
            await self._tell(press, self._status(request, payment, language))
            return ""
        button = {"text": say(Text.SEND, language), "callback_data": f"neonpay:send:{request.request_id}"}
        text = say(Text.CONFIRM, language, **_facts(payment))
        if request.words:
            text = say(Text.CONFIRM_WORDS, language, words=request.words, **_facts(payment))
        await self._tell(press, text, [[button]])
        return ""

    async def _send_chosen(self, press: Press, request_id: str) -> str:
        try:
            request = await self._requests.find(request_id)
        except RequestNotFoundError:
            return say(Text.NOT_YOURS, press.language_code)
        if request.user_id != press.user_id:
            return say(Text.NOT_YOURS, press.language_code)
        return await self._send(request, press.user_id, request.words, press.language_code)

    async def _send(self, request: RefundRequest, user_id: int, words: str | None, language: str | None) -> str:
        """Send a drafted request; the words for the buyer when there is nothing to send, for otherwise a job tells them."""
        if request.state is not RequestState.DRAFT:
            return self._status(request, await self._requests.payment_of(request), language)
        try:
            await self._requests.ask(request.charge_id, user_id=user_id, words=words, told=True, language_code=language)
        except PaymentError:
            return say(Text.BACK_ALREADY, language)
        return ""

    async def _decide(self, press: Press, request_id: str) -> str:
        language = self._rules.admin_language
        if press.user_id not in self._rules.admins:
            return say(Text.NOT_FOR_YOU, press.language_code)
        approves = press.data.startswith("neonpay:yes:")
        verdict = Verdict(RequestState.APPROVED if approves else RequestState.REFUSED, f"admin {press.user_id}")
        try:
            request = await self._requests.decide(request_id, verdict)
        except RequestNotFoundError:
            return say(Text.NOT_FOR_YOU, language)
        except RefundError as exc:
            outcome = say(Text.TELEGRAM_REFUSES, language, why=exc.description)
        else:
            state = Text.IS_APPROVED if request.state is RequestState.APPROVED else Text.IS_REFUSED
            outcome = say(state, language, by=request.decided_by)
        if press.message_id is not None and press.chat_id is not None:
            shown: dict[str, JsonValue] = {"chat_id": press.chat_id, "message_id": press.message_id}
            shown["text"] = f"{press.message_text or ''}\n\n{outcome}".strip()
            await self._outbox.post("editMessageText", shown, chat_id=press.chat_id, asker_id=press.user_id)
        return outcome

    def _status(self, request: RefundRequest, payment: Payment, language: str | None) -> str:
        if request.state is RequestState.OPEN:
            return say(Text.WAITS, language, **_facts(payment))
        if request.state is RequestState.APPROVED:
            return say(Text.APPROVED, language, **_facts(payment))
        late = request.decided_by == BY_POLICY
        lines = [say(Text.TOO_LATE if late else Text.REFUSED, language, **_facts(payment))]
        if request.answer:
            lines.append(request.answer)
        if self._rules.contact is not None:
            lines.append(say(Text.CONTACT, language, contact=own_words(self._rules.contact, language)))
        return "\n\n".join(lines)

    async def _tell(self, asked: Command | Press, text: str, rows: Sequence[JsonValue] = ()) -> None:
        """Answer where somebody has asked: in their own chat, and in the topic in which they asked."""
        message = {**_message(text, rows), "chat_id": asked.user_id}
        if asked.message_thread_id is not None and asked.chat_id == asked.user_id:
            message["message_thread_id"] = asked.message_thread_id
        await self._outbox.post("sendMessage", message, chat_id=asked.user_id, asker_id=asked.user_id)

    async def _answer(self, answer: Mapping[str, JsonValue]) -> None:
        try:
            await self._adapter.call("answerCallbackQuery", answer, patience_s=0)
        except (TelegramError, TelegramUnreachableError) as exc:
            logger.warning("a pressed button was not answered: %s", exc)


def _message(text: str, rows: Sequence[JsonValue]) -> dict[str, JsonValue]:
    message: dict[str, JsonValue] = {"text": text}
    if rows:
        message["reply_markup"] = {"inline_keyboard": rows}
    return message


def _facts(payment: Payment) -> dict[str, object]:
    return {"title": payment.title or "?", "stars": payment.amount_stars, "date": f"{payment.paid_at:%Y-%m-%d}"}
