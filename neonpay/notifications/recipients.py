"""To whom a channel can write, as far as the recipient alone shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from neonpay.errors import ConfigurationError
from neonpay.notifications.channels.chats import A_CHAT, chat_of
from neonpay.notifications.config import DEFAULT_RECIPIENTS, check_url
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.rules import Rule

_AN_ADDRESS: Final = "a recipient is an address such as owner@example.com or Olga <owner@example.com>"
_A_URL: Final = "a recipient is an address such as https://example.com/hook"


def check_recipients(rule: Rule, recipients: tuple[str, ...]) -> None:
    """Return when a rule's channel could write to each; the channel's libraries are there.

    Raises:
        ConfigurationError: one is nobody to whom it could; addresses are not shown.
    """
    for recipient in recipients:
        wrong = _wrong(rule.channel, recipient)
        if wrong is not None:
            setting = DEFAULT_RECIPIENTS.get(rule.channel)
            where = "its recipients" if rule.recipients or setting is None else f"{setting} of NotificationConfig(…)"
            msg = f"rule {rule.name!r} tells by {rule.channel} somebody whom nobody can tell, see {where}: {wrong}"
            raise ConfigurationError(msg)


def _wrong(channel: NotificationType, recipient: str) -> str | None:
    """What a recipient has to be, where it is not that."""
    found: dict[NotificationType, tuple[Callable[[str], object], str]] = {
        NotificationType.TELEGRAM: (chat_of, A_CHAT),
        NotificationType.EMAIL: (_mailbox, _AN_ADDRESS),
        NotificationType.WEBHOOK: (partial(check_url, "recipient"), _A_URL),
    }
    read, form = found.get(channel, (_anything, "a recipient is not empty"))
    try:
        read(recipient)
    except (ValueError, ConfigurationError):
        return form
    return None


def _mailbox(recipient: str) -> object:
    from neonpay.notifications.channels.mailboxes import mailbox  # needs an extra, which mail alone has

    return mailbox(recipient)


def _anything(recipient: str) -> str:
    if not recipient.strip():
        raise ValueError(recipient)
    return recipient
