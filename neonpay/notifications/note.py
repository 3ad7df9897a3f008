"""One message to one recipient by one channel."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from neonpay.core.jsontext import JsonObject, JsonValue
from neonpay.notifications.kinds import NotificationPriority, NotificationType, as_priority, as_type

_KEY_CHARS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a channel is given: words that need no more than to be fitted into it.

    Attributes:
        note_id: the same however often it is sent, so that whoever receives it twice can tell.
        recipient: a chat id, an address, a phone number or a URL, as the channel has it.
        kind: what it is about, such as the name of an event.
        at: when it was made, aware UTC.
        user_id: the buyer whom it is about, if it is about one.
        data: what programs read; ``buttons`` of it go to Telegram.
    """

    note_id: str
    channel: NotificationType
    recipient: str = field(repr=False)
    subject: str
    body: str
    kind: str
    at: datetime
    priority: NotificationPriority = NotificationPriority.NORMAL
    user_id: int | None = None
    data: JsonObject = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Subject and body below each other."""
        return "\n\n".join(part for part in (self.subject, self.body) if part)

    @property
    def is_decided_here(self) -> bool:
        """Whether buttons stand under it that do something, and not only open a page."""
        rows = self.data.get("buttons")
        buttons = [button for row in rows if isinstance(row, list) for button in row] if isinstance(rows, list) else []
        return any(isinstance(button, dict) and "callback_data" in button for button in buttons)


def note_id(*about: str) -> str:
    """The id of the message about this: the same for the same, whoever asks and however often."""
    return "ntf_" + hashlib.sha256("\0".join(about).encode("utf-8", "surrogatepass")).hexdigest()[:_KEY_CHARS]


@dataclass(slots=True)
class NotificationMessage:
    """A message as a program writes it.

    Attributes:
        recipient: a chat id, an address, a phone number or a URL. ``admin_chat_id`` and an empty text stand for the one that
            the configuration names.
        template_name: a template to write it with, from ``variables``, in place of ``subject`` and ``body``.
        metadata: goes with it where programs read it.

    Raises:
        ValidationError: there is no such channel or priority.
    """

    notification_type: NotificationType
    recipient: str = field(repr=False)
    subject: str | None = None
    body: str = ""
    priority: NotificationPriority = NotificationPriority.NORMAL
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    template_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.notification_type = as_type(self.notification_type)
        self.priority = as_priority(self.priority)
