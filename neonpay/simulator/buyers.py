"""The people of this Telegram, as a test plays them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import parse_qs, urlsplit

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.checkout import Checkout, InvoiceForm, Outcome
from neonpay.simulator.invoices import LINK_PREFIX
from neonpay.simulator.joining import Joiner
from neonpay.simulator.objects import build, dump
from neonpay.simulator.presses import Press, Pressed
from neonpay.simulator.speaking import Speaker

if TYPE_CHECKING:
    from neonpay.simulator.accounts import BotAccount
    from neonpay.simulator.chats import Chat, Post
    from neonpay.simulator.invoices import Invoice
    from neonpay.simulator.subscriptions import Subscription

ButtonT = TypeVar("ButtonT")

_PAY: Final = "Pay"
"""What the button of an invoice without a keyboard of its own says, before the price."""


class Buyer(Speaker, Joiner):
    """A person with Stars. Made by ``Simulator.user``."""

    def __repr__(self) -> str:
        return f"<Buyer {self.name} {self.id}: {self.stars} Stars>"

    @property
    def stars(self) -> int:
        """The balance."""
        return self._account.balance_stars

    def gets_stars(self, stars: int) -> None:
        """Top the balance up; subscriptions that had failed for want of Stars renew.

        Raises:
            SimulatorError: ``stars`` is not a positive whole number.
        """
        if type(stars) is not int or stars <= 0:
            raise SimulatorError(f"a top-up is a whole number of Stars > 0, not {stars!r}")
        self._account.balance_stars += stars
        self._world.subscriptions.extend_failed(self._account)
        self._world.bell.ring()

    def has_stars(self, stars: int) -> None:
        """Make the balance exactly this; subscriptions that had failed for want of Stars renew if it is enough.

        Raises:
            SimulatorError: ``stars`` is negative or not whole.
        """
        if type(stars) is not int or stars < 0:
            raise SimulatorError(f"a balance is a whole number of Stars >= 0, not {stars!r}")
        self._account.balance_stars = stars
        self._world.subscriptions.extend_failed(self._account)
        self._world.bell.ring()

    async def presses(self, text: str, *, on: types.Message, wait: bool = True, timeout_s: float = 5.0) -> Pressed:
        """Press the button with this text, or the only one that contains it, under a message or on the keyboard it brought.

        A callback button asks the bot and, with ``wait``, waits for its answer. A Pay button, and a URL button with an
        invoice link, open the form. A deep link to a bot sends ``/start``. A button of the reply keyboard writes its text.

        Raises:
            SimulatorError: there is no such button.
            SimulatorTimeoutError: the bot did not answer within ``timeout_s`` real seconds.
        """
        post = self._seen(on)
        markup = post.message.reply_markup
        if markup is not None:
            rows = [[(button.text, button) for button in row] for row in markup.inline_keyboard]
            button = _choose(text, [pair for row in rows for pair in row])
            return await self._presses_inline(button, post, wait=wait, timeout_s=timeout_s)
        if post.invoice is not None:
            _choose(text, [(f"{_PAY} ⭐{post.invoice.amount_stars}", None)])
            return Pressed("form", form=self._form(post.invoice))
        words = _choose(text, [(words, words) for words in _keyboard_words(self._chat_of(post))])
        return Pressed("message", message=await self.says(words, to=self._bot(post.bot_id)))

    async def presses_at(
        self, row: int, column: int, *, on: types.Message, wait: bool = True, timeout_s: float = 5.0
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

    async def receives(self, message: types.Message, *, from_: Buyer | None = None) -> types.Message:
        """Get a copy of a message forwarded by whoever has it; an invoice's copy can be paid unless it has a start_parameter.

        Raises:
            SimulatorError: the message is protected, deleted, or a service message.
        """
        post = self._world.chats.find(message.message_id)
        if post is None:
            raise SimulatorError(f"message {message.message_id} does not exist or was deleted")
        by = self._world.accounts.users[post.owner_id] if from_ is None else self._world.accounts.users[from_.id]
        copy = self._world.chats.forward(post, self._account, self._bot(post.bot_id), by)
        self._world.paid_media.forward(post.message.message_id, copy.message.message_id)
        return self._look(copy)

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
            raise SimulatorError(f"message {what.message_id} is no invoice that can be paid")
        return self._form(post.invoice)

    async def begins_to_pay(self, what: str | types.Message | InvoiceForm) -> Checkout:
        """Press Pay and do not wait: the bot is asked, unless Telegram refuses before that.

        Raises:
            SimulatorError: there is nothing to pay.
        """
        form = what if isinstance(what, InvoiceForm) else await self.opens(what)
        return self._world.checkouts.begin(self._account, form)

    async def pays(self, what: str | types.Message | InvoiceForm, *, timeout_s: float = 15.0) -> Outcome:
        """Pay an invoice, given as message, link or opened form, and see how it ends.

        Args:
            what: what to pay.
            timeout_s: real seconds.

        Raises:
            SimulatorError: there is nothing to pay.
            SimulatorTimeoutError: no bot answered, and virtual time did not reach the deadline either.
        """
        checkout = await self.begins_to_pay(what)
        return await checkout.outcome(timeout_s=timeout_s)

    async def buys(self, message: types.Message) -> Outcome:
        """Pay for the paid media of a message and see them from then on; the bot is told if it gave them a payload.

        Raises:
            SimulatorError: the message has none, is not seen by this person, or its media are bought already.
        """
        return self._world.paid_media.buy(self._account, self._seen(message).message)

    def subscriptions(self, bot: BotAccount) -> list[Subscription]:
        """This person's subscriptions to a bot, oldest first, ended ones too."""
        return self._world.subscriptions.to(bot, user_id=self.id)

    async def cancels_subscription(self, which: Subscription | BotAccount | str) -> None:
        """End its renewals; it stays to the end of the period that is paid for, and the bot hears ``canceled``.

        Args:
            which: the subscription, the charge id of one of its payments, or the bot when there is but one with it.

        Raises:
            SimulatorError: there is no such subscription, or it does not renew anyway.
        """
        self._world.subscriptions.cancel(self._world.subscriptions.of(self._account, which))

    async def restores_subscription(self, which: Subscription | BotAccount | str) -> None:
        """Let a cancelled subscription renew after all; the bot hears ``active``.

        Raises:
            SimulatorError: it is not cancelled, or over, or the bot has cancelled it and does not allow it.
        """
        self._world.subscriptions.restore(self._world.subscriptions.of(self._account, which))

    async def blocks(self, bot: BotAccount) -> None:
        """Block the bot: it can write no more, and is told so by ``my_chat_member``."""
        self._set_blocked(bot, blocked=True)

    async def unblocks(self, bot: BotAccount) -> None:
        """Take the block back."""
        self._set_blocked(bot, blocked=False)

    def _set_blocked(self, bot: BotAccount, *, blocked: bool) -> None:
        chat = self._chat(bot)
        if chat.blocked == blocked:
            return
        chat.blocked, chat.known = blocked, True
        states: list[dict[str, object]] = [
            {"status": "member", "user": bot.as_user}, {"status": "kicked", "user": bot.as_user, "until_date": 0}
        ]  # fmt: skip
        old, new = states if blocked else reversed(states)
        change = build(
            types.ChatMemberUpdated,
            chat=self._account.as_chat,
            from_=self._account.as_user,
            date=int(self._world.clock.now()),
            old_chat_member=old,
            new_chat_member=new,
        )
        self._world.tell(bot, "my_chat_member", dump(change), (self.id, "membership"))

    async def _presses_inline(
        self, button: types.InlineKeyboardButton, post: Post, *, wait: bool, timeout_s: float
    ) -> Pressed:
        if button.pay and post.invoice is not None:
            return Pressed("form", form=self._form(post.invoice))
        if button.url:
            return await self.follows(button.url)
        if not button.callback_data:
            raise SimulatorError(f"a press of {button.text!r} is not simulated")
        bot = self._bot(post.bot_id)
        press = Press(str(self._world.random.randrange(10**17, 2**63)), bot.id, self._world.clock.now())
        self._world.presses[press.query_id] = press
        query = build(
            types.CallbackQuery,
            id=press.query_id,
            from_=self._account.as_user,
            chat_instance=str(bot.id ^ self.id),
            message=dump(post.message),
            data=button.callback_data,
        )
        self._world.tell(bot, "callback_query", dump(query), (self.id, "callback"))
        if not wait:
            return Pressed("callback")
        what = f"{bot.username} to answer the press of {button.text!r}"
        return await self._world.bell.wait_for(lambda: press.answer, timeout_s=timeout_s, what=what)

    async def follows(self, url: str) -> Pressed:
        """Open a link: of an invoice, which opens its form, of a bot, which sends it ``/start``, or of anything else.

        Raises:
            SimulatorError: it looks like an invoice link and leads to none.
        """
        if url.startswith(LINK_PREFIX):
            return Pressed("form", url=url, form=await self.opens(url))
        parts = urlsplit(url)
        bots = self._world.accounts.bots.values()
        bot = next((bot for bot in bots if parts.path.strip("/").lower() == bot.username.lower()), None)
        parameter = parse_qs(parts.query).get("start", [""])[0]
        if parts.hostname in {"t.me", "telegram.me"} and bot is not None:
            return Pressed("message", url=url, message=await self.says(f"/start {parameter}".strip(), to=bot))
        return Pressed("url", url=url)

    def _form(self, invoice: Invoice) -> InvoiceForm:
        return self._world.checkouts.open_form(self._account, invoice)

    def _chat_of(self, post: Post) -> Chat:
        return self._chat(self._bot(post.bot_id))


def _choose(text: str, buttons: list[tuple[str, ButtonT]]) -> ButtonT:
    exact = [button for words, button in buttons if words == text]
    near = exact or [button for words, button in buttons if text.casefold() in words.casefold()]
    if len(exact) >= 1 or len(near) == 1:
        return near[0]
    there = ", ".join(repr(words) for words, _ in buttons) or "none"
    raise SimulatorError(f"no button {text!r} here, or more than one like it; there are: {there}")


def _keyboard_words(chat: Chat) -> list[str]:
    rows = chat.keyboard.get("keyboard")
    if not isinstance(rows, list):
        return []
    return [str(button["text"]) for row in rows for button in row]
