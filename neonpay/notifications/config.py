"""Where messages go, and with which secrets; nothing that shows it shows them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from neonpay.core.webhook_signing import keys_of
from neonpay.core.whole import is_number, is_whole
from neonpay.errors import ConfigurationError, ValidationError
from neonpay.notifications.kinds import NotificationType

SUBMISSION: Final = 587
IMPLICIT_TLS: Final = 465
"""The port of mail over TLS from the first byte (RFC 8314, section 3.3)."""


class SmtpTls(enum.StrEnum):
    """When TLS begins in the talk with a mail server."""

    AUTO = "auto"
    """As it is usual: ``implicit`` on port 465, and ``starttls`` on any other."""
    IMPLICIT = "implicit"
    """With the first byte."""
    STARTTLS = "starttls"
    """After a greeting without it, and before anything that matters."""


@dataclass(frozen=True, slots=True)
class NotificationConfig:
    """The channels of a program; those of which nothing is given are not there.

    Attributes:
        smtp_use_tls: over TLS, and never without when that fails.
        smtp_tls: when TLS begins: ``implicit``, with the first byte, or ``starttls``; when left out, the one on port 465 and
            the other on any other.
        smtp_from: the sender's address, such as ``shop@example.com`` or ``Shop <shop@example.com>``; the user name when left
            out.
        smtp_ca_file: certificates to trust beside the system's, for a mail server of your own.
        telegram_bot_token: of the bot that writes; the shop's own bot when left out.
        telegram_admin_chat_id: to whom, where a message does not say. In a group or channel alerts do not say who has paid.
        sms_provider: an Apprise URL (https://github.com/caronc/apprise/wiki) in which ``{recipient}``, ``{key}`` and
            ``{secret}`` stand for the phone number, ``sms_api_key`` and ``sms_api_secret``.
        webhook_url: for messages that name no other.
        webhook_secret: ``whsec_…``; bodies are signed with it (https://www.standardwebhooks.com).
        slack_channel: for messages that name no other, where the webhook may choose.
        timeout_s: seconds that a channel has for one message.

    Raises:
        ConfigurationError: an address or a secret is none; secrets are not shown.
        ValidationError: a number is out of its range.
    """

    smtp_host: str | None = None
    smtp_port: int = SUBMISSION
    smtp_username: str | None = None
    smtp_password: str | None = field(default=None, repr=False)
    smtp_use_tls: bool = True
    telegram_bot_token: str | None = field(default=None, repr=False)
    telegram_admin_chat_id: str | int | None = None
    sms_provider: str | None = field(default=None, repr=False)
    sms_api_key: str | None = field(default=None, repr=False)
    sms_api_secret: str | None = field(default=None, repr=False)
    webhook_url: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    slack_webhook_url: str | None = field(default=None, repr=False)
    slack_channel: str | None = None
    discord_webhook_url: str | None = field(default=None, repr=False)
    smtp_from: str | None = None
    smtp_ca_file: str | None = None
    telegram_base_url: str | None = None
    timeout_s: float = 20.0
    smtp_tls: SmtpTls | str = SmtpTls.AUTO

    def __post_init__(self) -> None:
        for name, url in (
            ("webhook_url", self.webhook_url),
            ("slack_webhook_url", self.slack_webhook_url),
            ("discord_webhook_url", self.discord_webhook_url),
        ):
            if url is not None:
                check_url(name, url)
        if self.webhook_secret is not None:
            keys_of(self.webhook_secret)
        if self.sms_provider is not None and "://" not in self.sms_provider:
            msg = (
                'sms_provider is an Apprise URL such as "twilio://{key}:{secret}@+15550100/{recipient}"; '
                "https://github.com/caronc/apprise/wiki has one for each provider"
            )
            raise ConfigurationError(msg)
        if self.smtp_host is not None:
            _check_host(self.smtp_host)
        if self.smtp_tls not in list(SmtpTls):
            raise ValidationError("smtp_tls", self.smtp_tls, f"one of {', '.join(SmtpTls)}")
        if self.smtp_tls != SmtpTls.AUTO and not self.smtp_use_tls:
            msg = f"smtp_tls is {self.smtp_tls}, and smtp_use_tls is false: leave one of them out"
            raise ConfigurationError(msg)
        if not is_whole(self.smtp_port, 1, 65_535):
            raise ValidationError("smtp_port", self.smtp_port, "a port, 1–65535")
        if not is_number(self.timeout_s) or not 0 < self.timeout_s <= _MOST_S:
            raise ValidationError("timeout_s", self.timeout_s, f"more than 0 and at most {_MOST_S:g} seconds")

    @property
    def sender(self) -> str | None:
        """The address that mail comes from."""
        return self.smtp_from or self.smtp_username

    @property
    def smtp_tls_begins(self) -> SmtpTls | None:
        """When TLS begins in the talk with the mail server; None without TLS."""
        if not self.smtp_use_tls:
            return None
        if self.smtp_tls != SmtpTls.AUTO:
            return SmtpTls(self.smtp_tls)
        return SmtpTls.IMPLICIT if self.smtp_port == IMPLICIT_TLS else SmtpTls.STARTTLS

    def default_recipient(self, channel: NotificationType) -> str | None:
        """Who gets a message by this channel that names nobody; None when that is not said.

        What says it is in ``DEFAULT_RECIPIENTS``.
        """
        setting = DEFAULT_RECIPIENTS.get(channel)
        chosen: str | int | None = None if setting is None else getattr(self, setting)
        return None if chosen is None else str(chosen).strip() or None


DEFAULT_RECIPIENTS: Final[Mapping[NotificationType, str]] = {
    NotificationType.TELEGRAM: "telegram_admin_chat_id",
    NotificationType.WEBHOOK: "webhook_url",
    NotificationType.SLACK: "slack_webhook_url",
    NotificationType.DISCORD: "discord_webhook_url",
}
"""The setting that names who gets what names nobody, by channel."""
_MOST_S: Final = 30.0
"""A turn of a channel has a lease of a minute, which a message must not outlast."""


def _check_host(host: str) -> None:
    """Return when it is nothing but a host.

    Raises:
        ConfigurationError: it is an address with a scheme, a port or a user name.
    """
    if "://" in host or host.count(":") == 1 or set("/@ \t\r\n") & set(host):
        msg = (
            "smtp_host is the name of the mail server alone, such as smtp.example.com; its port is smtp_port, and in place of "
            "smtps:// there is smtp_tls = implicit"
        )
        raise ConfigurationError(msg)


def check_url(name: str, url: str) -> str:
    """The URL, which is one to post to.

    Raises:
        ConfigurationError: it is none; it is not shown, since such addresses are secrets.
    """
    if not _can_be_posted_to(url):
        msg = f"{name} is an address such as https://example.com/hook"
        raise ConfigurationError(msg)
    return url


def _can_be_posted_to(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0
    return is_web and all(ord(sign) > ord(" ") for sign in url)
