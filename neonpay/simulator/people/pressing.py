"""Buttons and links, as people press and follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import parse_qs, urlsplit

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.bell import PATIENCE_S
from neonpay.simulator.chats.currencies import words
from neonpay.simulator.chats.invite_links import PREFIX as INVITE_PREFIX
from neonpay.simulator.chats.invoices import LINK_PREFIX
from neonpay.simulator.money.presses import Press, Pressed
from neonpay.simulator.people.attachments import Sharer
from neonpay.simulator.people.joining import Joiner
from neonpay.simulator.people.speaking import Speaker
from neonpay.simulator.wire.objects import build, dump

if TYPE_CHECKING:
    from neonpay.simulator.chats.book import Chat, Post
    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.money.checkout import InvoiceForm

ButtonT = TypeVar("ButtonT")

_PAY: Final = "Pay"
"""What the button of an invoice without a keyboard of its own says, before the price."""
_WISHES: Final = ("request_users", "request_chat", "request_poll", "request_location", "web_app")
"""What a button of the reply keyboard can ask for and a press here does not give."""


class Presser(Speaker, Sharer, Joiner):
    """Somebody who presses buttons."""

    async def presses(
        self, text: str, *, on: types.Message, wait: bool = True, timeout_s: float = PATIENCE_S
    ) -> Pressed:
        """Press the button with this text, or the only one that contains it, under a message or on the keyboard it brought.

        A callback button asks the bot and, with ``wait``, waits for its answer. A Pay button, and a URL button with an
        invoice link, open the form. A deep link to a bot sends ``/start``. A button of the reply keyboard writes its text, or
        sends this person's contact.

        Raises:
            SimulatorError: there is no such button, or it asks for something else: :meth:`sends_location` has what it may be.
            SimulatorTimeoutError: the bot did not answer within ``timeout_s`` real seconds.
        """
        post = self._seen(on)
        markup = post.message.reply_markup
        if markup is not None:
            rows = [[(button.text, button) for button in row] for row in markup.inline_keyboard]
            pressed = _choose(text, [pair for row in rows for pair in row])
            return await self._presses_inline(pressed, post, wait=wait, timeout_s=timeout_s)
        if post.invoice is not None:
            _choose(text, [(f"{_PAY} {words(post.invoice.amount, post.invoice.currency)}", None)])
            return Pressed("form", form=self._form(post.invoice))
        if not post.bot_id:
            raise SimulatorError(f"message {on.message_id} has no buttons")
        bot = self._bot(post.bot_id)
        button = _choose(text, _keyboard_buttons(self._chat(bot)))
        if wish := next((name for name in _WISHES if button.get(name)), None):
            raise SimulatorError(f"the button {button['text']!r} has {wish}, which a press does not give")
        if button.get("request_contact"):
            return Pressed("message", message=await self.sends_contact(to=bot))
        return Pressed("message", message=await self.says(str(button["text"]), to=bot))

    async def presses_at(
        self, row: int, column: int, *, on: types.Message, wait: bool = True, timeout_s: float = PATIENCE_S
    ) -> Pressed:
        """Press the button in this place of the inline keyboard under a message, both counted from 0; see :meth:`presses`.

        Raises:
            SimulatorError: there is no such button.
            SimulatorTimeoutError: the bot did not answer within ``timeout_s`` real seconds.
        """
        post = self._seen(on)
        rows = [] if post.message.reply_markup is None else post.message.reply_markup.inline_keyboard
        if not (0 <= row < len(rows) and 0 <= column < len(rows[row])):
            raise SimulatorError(f"no button stands in row {row}, column {column} under message {on.message_id}")
        return await self._presses_inline(rows[row][column], post, wait=wait, timeout_s=timeout_s)

    async def opens(self, what: str | types.Message) -> InvoiceForm:
        """Open an invoice, by link or message, and see its form.

        Raises:
            SimulatorError: it leads to no invoice.
        """
        if isinstance(what, str):
            if not what.startswith(LINK_PREFIX):
                raise SimulatorError(f"{what!r} is no invoice link; they begin with {LINK_PREFIX}")
            invoice = self._world.links.get(what.removeprefix(LINK_PREFIX))
            if invoice is None:
                raise SimulatorError("no invoice has this link")
            return self._form(invoice)
        post = self._seen(what)
        if post.invoice is None:
            hint = "; buys() is for paid media" if post.message.paid_media is not None else ""
            raise SimulatorError(f"message {what.message_id} is no invoice that can be paid{hint}")
        return self._form(post.invoice)

    async def follows(self, url: str) -> Pressed:
        """Open a link: of an invoice, of a bot, which sends it ``/start``, into a group, which joins it, or of anything else.

        Raises:
            SimulatorError: it looks like an invoice link and leads to none, or this person cannot join.
        """
        if url.startswith(INVITE_PREFIX):
            await self.joins(url)
            return Pressed("joined", url=url)
        if url.startswith(LINK_PREFIX):
            return Pressed("form", url=url, form=await self.opens(url))
        parts = urlsplit(url)
        bots = self._world.accounts.bots.values()
        bot = next((bot for bot in bots if parts.path.strip("/").lower() == bot.username.lower()), None)
        parameter = parse_qs(parts.query).get("start", [""])[0]
        if parts.hostname in {"t.me", "telegram.me"} and bot is not None:
            return Pressed("message", url=url, message=await self.says(f"/start {parameter}".strip(), to=bot))
        return Pressed("url", url=url)

    async def _presses_inline(
        self, button: types.InlineKeyboardButton, post: Post, *, wait: bool, timeout_s: float
    ) -> Pressed:
        if button.pay and post.invoice is not None:
            return Pressed("form", form=self._form(post.invoice))
        if button.url:
            if button.url.startswith(LINK_PREFIX):
                slug = button.url.removeprefix(LINK_PREFIX)
                self._world.pressed_links[self.id, slug] = (post.message.message_id, button.text)
            return await self.follows(button.url)
        if not button.callback_data:
            return _elsewhere(button)
        bot = self._bot(post.bot_id)
        self._notes("presses", button.text, bot_id=bot.id, message_id=post.message.message_id)
        press = Press(str(self._world.random.randrange(10**17, 2**63)), bot.id, self._world.clock.now())
        self._world.presses[press.query_id] = press
        query = build(
            types.CallbackQuery,
            id=press.query_id,
            from_=self._account.as_user,
            chat_instance=str(bot.id ^ post.owner_id),
            # API, CallbackQuery: the one or the other
            message=None if post.inline_id else dump(post.message),
            inline_message_id=post.inline_id or None,
            data=button.callback_data,
        )
        self._world.tell(bot, "callback_query", dump(query), (self.id, "callback"))
        if not wait:
            return Pressed("callback")
        what = f"{bot.username} to answer the press of {button.text!r}"
        return await self._world.bell.wait_for(lambda: press.answer, timeout_s=timeout_s, what=what)

    def _form(self, invoice: Invoice) -> InvoiceForm:
        return self._world.checkouts.open_form(self._account, invoice)


def _elsewhere(button: types.InlineKeyboardButton) -> Pressed:
    if button.web_app is not None:
        return Pressed("web_app", url=button.web_app.url)
    if button.copy_text is not None:
        return Pressed("copied", text=button.copy_text.text)
    chosen = button.switch_inline_query_chosen_chat
    words = (
        button.switch_inline_query,
        button.switch_inline_query_current_chat,
        None if chosen is None else chosen.query,
    )
    query = next((query for query in words if query is not None), None if chosen is None else "")
    if query is None:
        raise SimulatorError(f"a press of {button.text!r} is not simulated")
    return Pressed("inline", text=query)


def _choose(text: str, buttons: list[tuple[str, ButtonT]]) -> ButtonT:
    exact = [button for words, button in buttons if words == text]
    near = exact or [button for words, button in buttons if text.casefold() in words.casefold()]
    if len(exact) >= 1 or len(near) == 1:
        return near[0]
    there = ", ".join(repr(words) for words, _ in buttons) or "none"
    raise SimulatorError(f"no button {text!r} here, or more than one like it; there are: {there}")


def _keyboard_buttons(chat: Chat) -> list[tuple[str, dict[str, object]]]:
    rows = chat.keyboard.get("keyboard")
    if not isinstance(rows, list):
        return []
    return [(str(button["text"]), button) for row in rows for button in row]
