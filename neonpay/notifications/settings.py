"""``[notify]``: the channels, for programs that say nothing themselves and for commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from neonpay.notifications.config import SUBMISSION, NotificationConfig, SmtpTls
from neonpay.settings import Secret, Section, Sources

NAME = "notify"


class NotifySettings(Section, frozen=True, kw_only=True):
    """What ``NotificationConfig`` has, which tells what each of them is."""

    smtp_host: str | None = None
    smtp_port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = SUBMISSION
    smtp_username: str | None = None
    smtp_password: Secret | None = None
    smtp_use_tls: bool = True
    smtp_tls: SmtpTls = SmtpTls.AUTO
    smtp_from: str | None = None
    smtp_ca_file: str | None = None
    telegram_bot_token: Secret | None = None
    telegram_admin_chat_id: str | int | None = None
    telegram_base_url: str | None = None
    sms_provider: Secret | None = None
    sms_api_key: Secret | None = None
    sms_api_secret: Secret | None = None
    webhook_url: Secret | None = None
    webhook_secret: Secret | None = None
    slack_webhook_url: Secret | None = None
    slack_channel: str | None = None
    discord_webhook_url: Secret | None = None
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=30)] = 20.0


def config_from_settings(**arguments: object) -> NotificationConfig:
    """The channels as ``[notify]`` of ``neonpay.toml`` and ``NEONPAY_NOTIFY_…`` name them.

    Args:
        arguments: what the program says itself, by the names of ``NotificationConfig``.

    Raises:
        ConfigurationError: a setting is none.
    """
    sources = Sources()
    config = config_of(sources, arguments)
    sources.warn()
    return config


def config_of(sources: Sources, arguments: Mapping[str, object]) -> NotificationConfig:
    """The same from settings that are read already."""
    found = sources.settings_of(NotifySettings, NAME, arguments)
    return NotificationConfig(**{name: getattr(found, name) for name in NotifySettings.__struct_fields__})
