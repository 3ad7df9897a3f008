"""The channels: a row for each, and nothing of one is imported before a message wants it."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, Protocol

from neonpay.core.clock import Clock
from neonpay.core.jsontext import JsonValue
from neonpay.errors import ConfigurationError
from neonpay.installing import install_line
from neonpay.notifications.config import NotificationConfig
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.note import Note


class BotCall(Protocol):
    """Calls a method of the Bot API as a bot that is there already."""

    async def __call__(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """Its result; raises what calls raise."""
        ...


ENDPOINT: Final = "ep_"
"""How the ids of endpoints begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A program that is told of events.

    Attributes:
        events: names of the events that it wants; empty for all.
        secret: ``whsec_…``, with which bodies for it are signed.
        version: of the bodies.
        is_on: whether it is told of anything.
        made_at_us: when it was made.
        after_number: it is told of events with a greater number, which are those that were kept after it was made.
        old_secret: with which bodies are signed, too, until ``old_until_us``.
    """

    endpoint_id: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    events: tuple[str, ...] = ()
    version: int = 1
    is_on: bool = True
    made_at_us: int = 0
    after_number: int = 0
    old_secret: str | None = field(default=None, repr=False)
    old_until_us: int = 0

    def secrets(self, now_us: int) -> list[str]:
        """The secrets that sign now, the new one first."""
        is_old_good = self.old_secret is not None and now_us < self.old_until_us
        return [self.secret, self.old_secret] if is_old_good and self.old_secret else [self.secret]


@dataclass(frozen=True, slots=True)
class Means:
    """What a channel may use.

    Attributes:
        call: the shop's own bot; None without a shop.
        endpoint: finds an endpoint of the shop by its id; None for one that is gone or off.
    """

    config: NotificationConfig
    clock: Clock
    call: BotCall | None = None
    endpoint: Callable[[str], Awaitable[Endpoint | None]] | None = None


class Channel(Protocol):
    """Sends notes by one channel, on one event loop."""

    async def send(self, note: Note) -> None:
        """Return when the channel has taken it.

        Raises:
            NotificationRefusedError: it never will.
            NotificationDelayedError: it may later.
        """
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """One channel.

    Attributes:
        factory: import string of what makes it of its ``Means``.
        needs: what the configuration has to name for it; said to whoever left it out.
        is_there: whether a configuration names that; told whether there is a shop, whose bot can write.
        extra: what installs what it needs; None for nothing.
    """

    name: NotificationType
    factory: str
    needs: str
    is_there: Callable[[NotificationConfig, bool], bool]
    extra: str | None = None


CHANNELS: Final[Mapping[NotificationType, ChannelRow]] = {
    row.name: row
    for row in (
        ChannelRow(
            name=NotificationType.TELEGRAM,
            factory="neonpay.notifications.channels.telegram:TelegramChannel",
            needs="telegram_bot_token, or a shop whose bot writes",
            is_there=lambda config, has_bot: has_bot or config.telegram_bot_token is not None,
        ),
        ChannelRow(
            name=NotificationType.EMAIL,
            factory="neonpay.notifications.channels.email:EmailChannel",
            needs="smtp_host, and smtp_username or smtp_from",
            is_there=lambda config, _: config.smtp_host is not None and config.sender is not None,
            extra="notifications",
        ),
        ChannelRow(
            name=NotificationType.SMS,
            factory="neonpay.notifications.channels.apprise:AppriseChannel",
            needs="sms_provider, an Apprise URL",
            is_there=lambda config, _: config.sms_provider is not None,
            extra="apprise",
        ),
        ChannelRow(
            name=NotificationType.WEBHOOK,
            factory="neonpay.notifications.channels.webhook:WebhookChannel",
            needs="webhook_url, or a recipient that is a URL",
            is_there=lambda config, _: True,
            extra="notifications",
        ),
        ChannelRow(
            name=NotificationType.SLACK,
            factory="neonpay.notifications.channels.slack:SlackChannel",
            needs="slack_webhook_url",
            is_there=lambda config, _: config.slack_webhook_url is not None,
            extra="notifications",
        ),
        ChannelRow(
            name=NotificationType.DISCORD,
            factory="neonpay.notifications.channels.discord:DiscordChannel",
            needs="discord_webhook_url",
            is_there=lambda config, _: config.discord_webhook_url is not None,
            extra="notifications",
        ),
    )
}


def check_channel(name: NotificationType, means: Means) -> None:
    """Return when the configuration names what a channel needs.

    Raises:
        ConfigurationError: it does not.
    """
    row = CHANNELS[name]
    if not row.is_there(means.config, means.call is not None):
        msg = f"the channel {name} needs {row.needs}; give it to NotificationConfig(…)"
        raise ConfigurationError(msg)


def open_channel(name: NotificationType, means: Means) -> Channel:
    """A channel that is ready to send.

    Raises:
        ConfigurationError: the configuration does not name what it needs, or that is not installed.
    """
    check_channel(name, means)
    row = CHANNELS[name]
    module, _, attribute = row.factory.partition(":")
    try:
        factory: Callable[[Means], Channel] = attrgetter(attribute)(importlib.import_module(module))
        return factory(means)
    except ImportError as exc:
        msg = f"the channel {name} needs {exc.name}; run: {install_line(row.extra or 'notifications')}"
        raise ConfigurationError(msg) from exc
