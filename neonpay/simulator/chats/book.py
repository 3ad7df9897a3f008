"""Private chats between a bot and a person, the groups, and the messages in them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.access import check_access
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.chats.places import Chat, Place
from neonpay.simulator.chats.posts import SERVICE_FIELDS, Post
from neonpay.simulator.wire.objects import build_from, dump
from neonpay.simulator.wire.params import lenient_integer
from neonpay.simulator.wire.refusal import bad_request, forbidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator.chats.access import Access
    from neonpay.simulator.chats.accounts import Accounts, BotAccount, UserAccount
    from neonpay.simulator.chats.groups import Group
    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.clock import SteppedClock

__all__ = ["Chat", "Chats", "Place", "Post"]

_NOT_FORWARDED: Final = (
    "message_id", "date", "edit_date", "reply_to_message", "chat", "from", "sender_chat", "via_bot", "message_thread_id",
    "is_topic_message",
)  # fmt: skip


class Chats:
    """Every chat.

    Message ids come from one counter, so that an id alone names a message: a real account's ids have gaps as well.

    Attributes:
        in_group: told of every message that is written in a group.
        bot_wrote: told of every message of a bot's that is not about an event.
    """

    def __init__(self, accounts: Accounts, clock: SteppedClock, changed: Callable[[], None]) -> None:
        self._accounts = accounts
        self._clock = clock
        self._changed = changed
        self._chats: dict[tuple[int, int], Chat] = {}
        self.groups: dict[int, Group] = {}
        self.in_group: Callable[[Group, Post], object] | None = None
        self.bot_wrote: Callable[[BotAccount], None] | None = None
        self._posts: dict[int, Post] = {}
        self._last_message_id = 0

    @property
    def newest_id(self) -> int:
        """Of the last message that was written anywhere."""
        return self._last_message_id

    def between(self, bot: BotAccount, user: UserAccount) -> Chat:
        """The chat of these two, empty when they have never met."""
        key = bot.id, user.id
        chat = self._chats.get(key)
        if chat is None:
            chat = self._chats[key] = Chat(bot, user)
        return chat

    def reach(self, bot: BotAccount, chat_id: str, access: Access) -> Place:
        """The chat that a bot means, which it may use in this way.

        Raises:
            Refusal: it may not, or there is none, in Telegram's words.
        """
        if not chat_id:
            raise bad_request("chat_id is empty")  # SRV: check_chat
        place = self._place(bot, chat_id)
        if place is None:
            if access == "write" and lenient_integer(chat_id) == bot.id:
                raise forbidden("the bot can't send messages to the bot")  # TDL maps USER_IS_BOT
            raise bad_request("chat not found")  # SRV; a bot cannot reach a person whom it has never met
        check_access(place, access)
        return place

    def writable(self, bot: BotAccount, chat_id: str) -> Place:
        """The chat to which the bot may write now.

        Raises:
            Refusal: it may not, in Telegram's words.
        """
        return self.reach(bot, chat_id, "write")

    def post(
        self,
        chat: Place,
        fields: dict[str, object],
        *,
        by_bot: bool,
        invoice: Invoice | None = None,
        keyboard: dict[str, object] | None = None,
    ) -> Post:
        """Write a message into a chat.

        Args:
            chat: where.
            fields: those of ``Message``, as JSON.
            by_bot: whether the bot writes it, or the person of a private chat.
            invoice: what can be paid under it.
            keyboard: what becomes of the person's own keyboard; None leaves it.
        """
        if isinstance(chat, Seat):
            return self.post_in(chat.group, chat.bot, fields, invoice=invoice)
        sender = chat.bot if by_bot else chat.user
        post = self._add({"from": sender.as_user, "chat": chat.as_json} | fields, chat.bot.id, chat.id, by_bot=by_bot)
        post.invoice, post.author_id = invoice, sender.id
        if keyboard is not None:
            chat.keyboard = keyboard
        chat.known = True
        if not by_bot:
            chat.started = True
        chat.posts.append(post)
        if by_bot:
            self._count(chat.bot, post)
        self._changed()
        return post

    def post_in(
        self,
        group: Group,
        author: BotAccount | UserAccount,
        fields: dict[str, object],
        *,
        invoice: Invoice | None = None,
    ) -> Post:
        """Write a message into a group; in a channel, the channel is who writes."""
        by_bot = author.id in self._accounts.bots
        signed: dict[str, object] = {"from": author.as_user, "chat": group.as_json}
        if group.kind == "channel":
            signed = {"sender_chat": group.as_json, "chat": group.as_json}
        top = self.find(_number(fields.get("message_thread_id")))
        if top is not None and "reply_to_message" not in fields:
            # SRV, get_implicit_reply_to_message_id: what stands in a topic answers the message that opened it.
            signed["reply_to_message"] = dump(top.message)
        post = self._add(signed | fields, author.id if by_bot else 0, group.id, by_bot=by_bot)
        post.invoice, post.author_id = invoice, author.id
        group.posts.append(post)
        bot = self._accounts.bots.get(author.id)
        if bot is not None:
            self._count(bot, post)
        if self.in_group is not None:
            self.in_group(group, post)
        self._changed()
        return post

    def forward(self, post: Post, to: UserAccount, bot: BotAccount, by: UserAccount) -> Post:
        """Put a copy of a message into what ``to`` received from ``by``; the bot does not see it.

        Raises:
            SimulatorError: the message is protected, gone, or of a kind that cannot be forwarded.
        """
        if post.deleted or post.protected or post.is_service:
            why = "was deleted" if post.deleted else "is protected" if post.protected else "is a service message"
            raise SimulatorError(f"message {post.message.message_id} {why} and cannot be forwarded")
        fields = {"from": by.as_user, "chat": by.as_chat} | self.forwarded_fields(post)
        copy = self._add(fields, bot.id, to.id, by_bot=False)
        copy.invoice, copy.author_id = self.forwarded_invoice(post), by.id
        self._changed()
        return copy

    def forwarded_fields(self, post: Post) -> dict[str, object]:
        """What a forwarded copy of a message says."""
        fields = dump(post.message)
        for name in _NOT_FORWARDED:
            fields.pop(name, None)
        fields.setdefault("forward_origin", self._origin(post))
        invoice = post.invoice
        if invoice is not None and invoice.start_parameter:
            # API, sendInvoice: with a start_parameter, forwarded copies have a deep link to the bot instead of a Pay button.
            bot = self._accounts.bots[invoice.bot_id]
            url = f"https://t.me/{bot.username}?start={invoice.start_parameter}"
            fields["reply_markup"] = {"inline_keyboard": [[{"text": "Pay", "url": url}]]}
        return fields

    def forwarded_invoice(self, post: Post) -> Invoice | None:
        """What can be paid under a forwarded copy (API, sendInvoice)."""
        return None if post.invoice is None or post.invoice.start_parameter else post.invoice

    def find(self, message_id: int) -> Post | None:
        """The message with this id, wherever it is; None when there is none or it was deleted."""
        post = self._posts.get(message_id)
        return None if post is None or post.deleted else post

    def find_in(self, chat: Place | Group, message_id: int) -> Post | None:
        """The message with this id in this chat."""
        post = self.find(message_id)
        return post if post is not None and post in chat.posts else None

    def rewrite(self, post: Post, changes: dict[str, object], *, edited: bool = True) -> None:
        """Change fields of a message; None removes one."""
        fields = dump(post.message) | changes
        if edited:
            fields["edit_date"] = int(self._clock.now())
        post.message = build_from(types.Message, {name: value for name, value in fields.items() if value is not None})
        self._changed()

    def delete(self, post: Post) -> None:
        """Take a message out of everybody's sight."""
        post.deleted = True
        self._changed()

    def _count(self, bot: BotAccount, post: Post) -> None:
        if self.bot_wrote is not None and not post.is_service:
            self.bot_wrote(bot)

    def _add(self, fields: dict[str, object], bot_id: int, owner_id: int, *, by_bot: bool) -> Post:
        self._last_message_id += 1
        fields = {name.rstrip("_"): value for name, value in fields.items() if value is not None}
        fields |= {"message_id": self._last_message_id, "date": int(self._clock.now())}
        post = Post(build_from(types.Message, fields), bot_id, owner_id, by_bot)
        post.protected = bool(fields.get("has_protected_content"))
        post.is_service = not SERVICE_FIELDS.isdisjoint(fields)
        self._posts[self._last_message_id] = post
        return post

    def _origin(self, post: Post) -> dict[str, object]:
        date = int(post.message.date.timestamp())
        if post.message.sender_chat is not None:
            chat = dump(post.message.sender_chat)
            return {"type": "channel", "chat": chat, "message_id": post.message.message_id, "date": date}
        author = self._accounts.bots.get(post.author_id) or self._accounts.users[post.author_id]
        return {"type": "user", "sender_user": author.as_user, "date": date}

    def _place(self, bot: BotAccount, chat_id: str) -> Place | None:
        if chat_id.startswith("@"):
            wanted = chat_id[1:].lower()
            found = (group for group in self.groups.values() if group.is_public and group.username.lower() == wanted)
            group = next(found, None)
            return None if group is None else Seat(bot, group)
        if not _is_chat_number(chat_id):
            return None
        number = int(chat_id)
        group = self.groups.get(number)
        if group is not None:
            return Seat(bot, group) if group.is_public or bot.id in group.members else None
        user = self._accounts.users.get(number)
        chat = None if user is None else self.between(bot, user)
        return chat if chat is not None and chat.known else None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _is_chat_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 20  # noqa: PLR2004 - longer ones are no int64
