"""Private chats between a bot and a person, and the messages in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.objects import build, build_from, dump
from neonpay.simulator.refusal import bad_request, forbidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator.accounts import Accounts, BotAccount, UserAccount
    from neonpay.simulator.clock import SteppedClock
    from neonpay.simulator.invoices import Invoice


@dataclass(slots=True, eq=False)
class Post:
    """A message where it stands.

    Attributes:
        message: how it looks now.
        owner_id: the person in whose chat it is.
        invoice: what can be paid here, for invoices and forwarded copies that kept the Pay button.
        by_bot: written by the bot.
        heard: the person's ``hears`` has returned it.
    """

    message: types.Message
    bot_id: int
    owner_id: int
    by_bot: bool
    invoice: Invoice | None = None
    protected: bool = False
    is_service: bool = False
    deleted: bool = False
    heard: bool = False

    @property
    def is_words_of_bot(self) -> bool:
        """Whether the bot wrote it and it still stands; service messages are nobody's words."""
        return self.by_bot and not self.is_service and not self.deleted


@dataclass(slots=True, eq=False)
class Chat:
    """What a bot and a person have with each other.

    Attributes:
        started: the person has written to the bot, or paid it, so that the bot may write.
        known: the bot has met the person.
        blocked: the person has blocked the bot.
        keyboard: the markup that the bot last gave the person's own keyboard.
    """

    bot: BotAccount
    user: UserAccount
    started: bool = False
    known: bool = False
    blocked: bool = False
    keyboard: dict[str, object] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)


class Chats:
    """Every private chat.

    Message ids come from one counter, so that an id alone names a message: a real account's ids have gaps as well.
    """

    def __init__(self, accounts: Accounts, clock: SteppedClock, changed: Callable[[], None]) -> None:
        self._accounts = accounts
        self._clock = clock
        self._changed = changed
        self._chats: dict[tuple[int, int], Chat] = {}
        self._posts: dict[int, Post] = {}
        self._last_message_id = 0

    def between(self, bot: BotAccount, user: UserAccount) -> Chat:
        """The chat of these two, empty when they have never met."""
        return self._chats.setdefault((bot.id, user.id), Chat(bot, user))

    def writable(self, bot: BotAccount, chat_id: str) -> Chat:
        """The chat to which the bot may write now.

        Raises:
            Refusal: it may not, in Telegram's words.
        """
        if not chat_id:
            raise bad_request("chat_id is empty")  # SRV: check_chat
        user = self._accounts.users.get(int(chat_id)) if _is_chat_number(chat_id) else None
        chat = None if user is None else self.between(bot, user)
        if chat is None or not chat.known:
            raise bad_request("chat not found")  # SRV; a bot cannot reach a person whom it has never met
        if chat.blocked:
            raise forbidden("bot was blocked by the user")  # SRV maps USER_IS_BLOCKED
        if not chat.started:
            raise forbidden("bot can't initiate conversation with a user")  # TDL maps PEER_ID_INVALID
        return chat

    def post(
        self,
        chat: Chat,
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
            by_bot: whether the bot writes it, or the person.
            invoice: what can be paid under it.
            keyboard: what becomes of the person's own keyboard; None leaves it.
        """
        self._last_message_id += 1
        sender = chat.bot.as_user if by_bot else chat.user.as_user
        fields = {name: value for name, value in fields.items() if value is not None}
        message = build(
            types.Message,
            message_id=self._last_message_id,
            from_=sender,
            chat=chat.user.as_chat,
            date=int(self._clock.now()),
            **fields,
        )
        post = Post(message, chat.bot.id, chat.user.id, by_bot, invoice, bool(fields.get("has_protected_content")))
        if keyboard is not None:
            chat.keyboard = keyboard
        post.is_service = "successful_payment" in fields or "refunded_payment" in fields
        chat.known = True
        if not by_bot:
            chat.started = True
        chat.posts.append(post)
        self._posts[message.message_id] = post
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
        self._last_message_id += 1
        fields = dump(post.message) | {
            "message_id": self._last_message_id,
            "from": by.as_user,
            "chat": by.as_chat,
            "date": int(self._clock.now()),
            "forward_origin": {
                "type": "user",
                "sender_user": bot.as_user if post.by_bot else by.as_user,
                "date": int(post.message.date.timestamp()),
            },
        }
        fields.pop("reply_to_message", None)
        invoice = post.invoice
        if invoice is not None and invoice.start_parameter:
            # API, sendInvoice: with a start_parameter, forwarded copies have a deep link to the bot instead of a Pay button.
            url = f"https://t.me/{bot.username}?start={invoice.start_parameter}"
            fields["reply_markup"] = {"inline_keyboard": [[{"text": "Pay", "url": url}]]}
            invoice = None
        copy = Post(build_from(types.Message, fields), bot.id, to.id, by_bot=False, invoice=invoice)
        self._posts[self._last_message_id] = copy
        self._changed()
        return copy

    def find(self, message_id: int) -> Post | None:
        """The message with this id, wherever it is; None when there is none or it was deleted."""
        post = self._posts.get(message_id)
        return None if post is None or post.deleted else post

    def find_in(self, chat: Chat, message_id: int) -> Post | None:
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


def _is_chat_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 20  # noqa: PLR2004 - longer ones are no int64
