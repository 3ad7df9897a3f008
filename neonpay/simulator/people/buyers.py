"""The people of this Telegram, as a test plays them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.bell import PATIENCE_S
from neonpay.simulator.chats.groups import Group
from neonpay.simulator.money.checkout import Checkout, InvoiceForm, Outcome
from neonpay.simulator.people.asking import InlineAsker
from neonpay.simulator.people.pressing import Presser
from neonpay.simulator.wire.objects import build, dump

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.money.subscriptions import Subscription


class Buyer(Presser, InlineAsker):
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
        self._notes("gets stars", stars)
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
        self._notes("has stars", stars)
        self._account.balance_stars = stars
        self._world.subscriptions.extend_failed(self._account)
        self._world.bell.ring()

    async def receives(self, message: types.Message, *, from_: Buyer | None = None) -> types.Message:
        """Get a copy of a message forwarded by whoever has it; an invoice's copy can be paid unless it has a start_parameter.

        Raises:
            SimulatorError: the message is protected, deleted, or a service message.
        """
        post = self._world.chats.find(message.message_id)
        if post is None:
            raise SimulatorError(f"message {message.message_id} does not exist or was deleted")
        if not post.bot_id:
            raise SimulatorError(f"message {message.message_id} is no bot's; only those are forwarded to people here")
        users = self._world.accounts.users
        by = users.get(post.owner_id, self._account) if from_ is None else users[from_.id]
        copy = self._world.chats.forward(post, self._account, self._bot(post.bot_id), by)
        self._world.paid_media.forward(post.message.message_id, copy.message.message_id)
        return self._look(copy)

    async def begins_to_pay(self, what: str | types.Message | InvoiceForm) -> Checkout:
        """Press Pay and do not wait: the bot is asked, unless Telegram refuses before that.

        Raises:
            SimulatorError: there is nothing to pay.
        """
        form = what if isinstance(what, InvoiceForm) else await self.opens(what)
        checkout = self._world.checkouts.begin(self._account, form)
        self._notes_payment(checkout)
        return checkout

    def _notes_payment(self, checkout: Checkout) -> None:
        invoice = checkout.invoice
        if invoice.slug:
            message_id, button = self._world.pressed_links.get((self.id, invoice.slug), (0, ""))
            if button:
                self._notes("presses", button, bot_id=invoice.bot_id, message_id=message_id, checkout=checkout)
            return
        posts = self._chat(checkout.bot).posts
        message_id = next((post.message.message_id for post in reversed(posts) if post.invoice is invoice), 0)
        if message_id:
            self._notes("pays", bot_id=invoice.bot_id, message_id=message_id, checkout=checkout)

    async def pays(self, what: str | types.Message | InvoiceForm, *, timeout_s: float = PATIENCE_S) -> Outcome:
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
        post = self._seen(message)
        outcome = self._world.paid_media.buy(self._account, post.message)
        if outcome.status == "paid":
            self._notes("buys", bot_id=post.bot_id, message_id=post.message.message_id)
        return outcome

    def subscriptions(self, bot: BotAccount) -> list[Subscription]:
        """This person's subscriptions to a bot, oldest first, ended ones too."""
        return self._world.subscriptions.to(bot, user_id=self.id)

    async def cancels_subscription(self, which: Subscription | BotAccount | Group | str) -> None:
        """End its renewals; it stays to the end of the period that is paid for.

        The bot hears ``canceled``; of a place in a channel no bot hears anything.

        Args:
            which: the subscription, the charge id of one of its payments, the bot when there is but one with it, or a channel.

        Raises:
            SimulatorError: there is no such subscription, or it does not renew anyway.
        """
        if isinstance(which, Group):
            places = self._world.paid_memberships
            places.set_canceled(places.of(self._account, which), canceled=True)
        else:
            subscription = self._world.subscriptions.of(self._account, which)
            self._world.subscriptions.cancel(subscription)
            self._notes("cancels subscription", bot_id=subscription.bot_id)

    async def restores_subscription(self, which: Subscription | BotAccount | Group | str) -> None:
        """Let a cancelled subscription renew after all; the bot hears ``active``, of a place in a channel nothing.

        Raises:
            SimulatorError: it is not cancelled, or over, or the bot has cancelled it and does not allow it.
        """
        if isinstance(which, Group):
            places = self._world.paid_memberships
            places.set_canceled(places.of(self._account, which), canceled=False)
        else:
            subscription = self._world.subscriptions.of(self._account, which)
            self._world.subscriptions.restore(subscription)
            self._notes("restores subscription", bot_id=subscription.bot_id)

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
        self._notes("blocks" if blocked else "unblocks", bot_id=bot.id)
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
