"""Messages where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiogram import types

    from neonpay.simulator.chats.invoices import Invoice

SERVICE_FIELDS: Final = frozenset(
    {
        "successful_payment", "refunded_payment", "new_chat_members", "left_chat_member", "pinned_message", "new_chat_title",
        "gift", "users_shared", "chat_shared", "web_app_data", "suggested_post_approved",
        "suggested_post_approval_failed", "suggested_post_declined", "suggested_post_paid", "suggested_post_refunded",
        "supergroup_chat_created", "forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
        "general_forum_topic_hidden", "general_forum_topic_unhidden",
    }
)  # fmt: skip
"""Fields of ``Message`` that tell of an event; such a message is nobody's words."""


@dataclass(slots=True, eq=False)
class Post:
    """A message where it stands.

    Attributes:
        message: how it looks now.
        bot_id: the bot that wrote it, or whose chat with a person it is in; 0 for what people write in groups.
        owner_id: the chat it is in: of a private chat, the person's id.
        invoice: what can be paid here, for invoices and forwarded copies that kept the Pay button.
        by_bot: written by the bot.
        author_id: who wrote it.
        inline_id: how the bot names it that was asked inline for it.
        heard_by: ids of the people whose ``hears`` has returned it.
    """

    message: types.Message
    bot_id: int
    owner_id: int
    by_bot: bool
    invoice: Invoice | None = None
    protected: bool = False
    is_service: bool = False
    deleted: bool = False
    author_id: int = 0
    inline_id: str = ""
    heard_by: set[int] = field(default_factory=set)

    @property
    def is_words_of_bot(self) -> bool:
        """Whether the bot wrote it and it still stands; service messages are nobody's words."""
        return self.by_bot and not self.is_service and not self.deleted
