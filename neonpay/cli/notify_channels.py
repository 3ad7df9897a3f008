"""What ``neonpay notifications test`` and ``send`` send by: the settings, and what somebody types."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from neonpay.cli.shop import core_settings, with_token
from neonpay.errors import ConfigurationError
from neonpay.notifications.kinds import NotificationPriority, NotificationType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from neonpay.notifications.config import NotificationConfig
    from neonpay.notifications.manager import Sent

ChannelOption = Annotated[NotificationType, typer.Option("--type", help="The channel.")]

_PREFIX: Final = "NEONPAY_NOTIFY_"
_NAMES_RECIPIENT: Final = {
    NotificationType.TELEGRAM: "NEONPAY_ADMINS=123456789, with your own user id",
    NotificationType.WEBHOOK: f"{_PREFIX}WEBHOOK_URL",
}
_NEEDS: Final = {
    NotificationType.EMAIL: "SMTP_HOST, and NEONPAY_NOTIFY_SMTP_USERNAME or NEONPAY_NOTIFY_SMTP_FROM",
    NotificationType.SMS: "SMS_PROVIDER, an Apprise URL",
    NotificationType.SLACK: "SLACK_WEBHOOK_URL",
    NotificationType.DISCORD: "DISCORD_WEBHOOK_URL",
}


def chosen_config(
    channel: NotificationType, telegram_bot_token: str | None, *, token_file: Path | None, api_url: str | None
) -> NotificationConfig:
    """The channels of the settings, with the secrets that were typed or are asked for now.

    Raises:
        ConfigurationError: a setting is wrong, or what the channel needs is nowhere.
    """
    from neonpay.notifications.channels import CHANNELS
    from neonpay.notifications.settings import config_from_settings

    core = core_settings(None, api_url)
    config = config_from_settings()
    if telegram_bot_token is not None:
        typer.echo(
            "neonpay: everybody on this machine can read what --telegram-bot-token is given; "
            f"set {_PREFIX}TELEGRAM_BOT_TOKEN instead",
            err=True,
        )
    if channel is NotificationType.TELEGRAM:
        token = telegram_bot_token or config.telegram_bot_token or with_token(core, None, token_file=token_file).token
        token = token or _asked("Token of the bot that writes", f"{_PREFIX}TELEGRAM_BOT_TOKEN")
        base_url = config.telegram_base_url or core.api_url
        config = replace(config, telegram_bot_token=token, telegram_base_url=base_url)
    elif channel is NotificationType.EMAIL and config.smtp_username is not None and config.smtp_password is None:
        password = _asked(f"Password of {config.smtp_username}", f"{_PREFIX}SMTP_PASSWORD")
        config = replace(config, smtp_password=password)
    if not CHANNELS[channel].is_there(config, False):
        needs = f"{_PREFIX}{_NEEDS[channel]}"
        msg = f"the channel {channel.value} is not set up: set {needs}, or the same in [notify] of neonpay.toml"
        raise ConfigurationError(msg)
    return config


def recipients_of(config: NotificationConfig, channel: NotificationType, typed: str | None) -> tuple[list[str], bool]:
    """Who gets a message, and whether that is the owners, since nothing says another.

    Raises:
        ConfigurationError: nobody is named who would get it.
    """
    named = typed or config.default_recipient(channel)
    if named is not None:
        return [named], False
    owners = _owners() if channel is NotificationType.TELEGRAM else ()
    if not owners:
        instead = _NAMES_RECIPIENT.get(channel)
        msg = f"nobody is named who gets it: give --recipient{f', or set {instead}' if instead else ''}"
        raise ConfigurationError(msg)
    return [str(owner) for owner in owners], True


def _owners() -> Sequence[int]:
    """Those whom alerts tell."""
    from neonpay.notifications.alert_settings import AlertSettings
    from neonpay.settings import Sources

    return Sources().settings_of(AlertSettings, "alerts").admins or core_settings(None, None).admins


async def send_now(
    config: NotificationConfig,
    channel: NotificationType,
    recipients: Sequence[str],
    subject: str,
    body: str,
    *,
    priority: NotificationPriority = NotificationPriority.NORMAL,
) -> list[Sent]:
    """Send a message to each and wait for the channel's answers, whatever becomes of the others."""
    from neonpay.notifications.manager import NotificationManager
    from neonpay.notifications.note import NotificationMessage

    messages = [
        NotificationMessage(channel, recipient, subject=subject, body=body, priority=priority)
        for recipient in recipients
    ]
    async with NotificationManager(config) as manager:
        return list((await manager.send_multiple_notifications(messages)).values())


def _asked(what: str, variable: str) -> str:
    if not sys.stdin.isatty():
        msg = f"{what[0].lower()}{what[1:]} is needed: set {variable}"
        raise ConfigurationError(msg)
    found: str = typer.prompt(what, hide_input=True, err=True)
    return found
