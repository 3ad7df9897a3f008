"""The notifications of the guide: a manager that sends at once, or through the jobs of a shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Literal, Protocol, Self

from neonpay.core.clock import Clock, SystemClock, moment
from neonpay.core.jsontext import JsonObject, JsonValue, dump_whatever
from neonpay.errors import ConfigurationError, NeonPayError, ValidationError
from neonpay.notifications.channels import CHANNELS, Channel, Means, check_channel, open_channel
from neonpay.notifications.config import DEFAULT_RECIPIENTS, NotificationConfig
from neonpay.notifications.extension import Notifications
from neonpay.notifications.fitting import straight, tamed
from neonpay.notifications.kinds import NotificationPriority, NotificationType, as_priority, as_type
from neonpay.notifications.note import Note, NotificationMessage, note_id
from neonpay.notifications.queue import Queued
from neonpay.notifications.templates import NotificationTemplate, Templates
from neonpay.store.ids import new_event_id

_KIND: Final = "message"
_STANDS_FOR_DEFAULT: Final = frozenset({"", "admin_chat_id"})


class Shop(Protocol):
    """A program that takes extensions into use: ``NeonPayCore``."""

    def use(self, extension: Notifications) -> Notifications:
        """Take it into use."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a message; true when it has gone or waits to go.

    Attributes:
        state: ``sent``: the channel has taken it; ``waiting``: it is in the ledger and goes out through restarts; ``off``:
            notifications are switched off; ``failed``: ``error`` says why.
    """

    note_id: str
    channel: NotificationType
    recipient: str = field(repr=False)
    state: Literal["sent", "waiting", "off", "failed"]
    error: str | None = None

    def __bool__(self) -> bool:
        return self.state in {"sent", "waiting"}


class NotificationManager:
    """Sends messages by the channels of a configuration.

    Alone it sends at once and once, and whoever calls learns what became of it. With ``neonpay`` messages wait in the ledger
    of the shop, from where they are sent through restarts until they have arrived.

    Args:
        config: the channels.
        enable_notifications: False sends nothing and says so in what comes back.
        neonpay: the shop whose jobs send; its own bot writes in Telegram unless the configuration names another.
        notifications: the extension of a shop that has one already, as ``enable_alerts`` returns it, in place of ``neonpay``.
        language_code: of the templates that are there already, ``en`` or ``ru``.

    Raises:
        ConfigurationError: a language is given beside ``notifications``, or the shop has such an extension already.
    """

    def __init__(
        self,
        config: NotificationConfig | None = None,
        enable_notifications: bool = True,
        *,
        neonpay: Shop | None = None,
        notifications: Notifications | None = None,
        clock: Clock | None = None,
        language_code: str | None = None,
    ) -> None:
        if notifications is not None and language_code is not None:
            msg = "language_code is that of the extension: give it to Notifications(…) or enable_alerts(…)"
            raise ConfigurationError(msg)
        self.config = config or (notifications.config if notifications is not None else NotificationConfig())
        self._is_on = enable_notifications
        self._extension = notifications
        if neonpay is not None and notifications is None:
            self._extension = _used(neonpay, Notifications(self.config, language_code=language_code))
        self._language_code = language_code if self._extension is None else self._extension.language_code
        self._clock = clock or SystemClock()
        self._templates = Templates() if self._extension is None else self._extension.templates
        self._means = Means(self.config, self._clock)
        self._channels: dict[NotificationType, Channel] = {}

    async def send_notification(self, message: NotificationMessage) -> Sent:
        """Send a message, or queue it with a shop.

        Raises:
            NotificationRefusedError, NotificationDelayedError: (without a shop) it has not gone.
            ConfigurationError: the channel is not set up, no recipient is known, or there is no such template.
            ValidationError: a value of the template is missing, or ``metadata`` is none that JSON can say.
            LedgerError: (with a shop) it could not be kept.
        """
        note = self._note(message)
        if not self._is_on:
            return Sent(note_id=note.note_id, channel=note.channel, recipient=note.recipient, state="off")
        if self._extension is not None:
            check_channel(note.channel, self._extension.means)
            due_us, gathered = self._extension.manners.due_at_us(note)
            await self._extension.put([Queued(note=note, due_at_us=due_us, gathered=gathered)])
            return Sent(note_id=note.note_id, channel=note.channel, recipient=note.recipient, state="waiting")
        await self._channel(note.channel).send(note)
        return Sent(note_id=note.note_id, channel=note.channel, recipient=note.recipient, state="sent")

    async def send_template_notification(
        self,
        template_name: str,
        recipient: str,
        variables: Mapping[str, Any],
        notification_type: NotificationType | None = None,
    ) -> Sent:
        """Send what a template says, by its own channel or by another; raises what ``send_notification`` raises.

        Where no channel is named, and the template's own is Telegram, which has no addresses of mail, whoever has one as the
        recipient is written to by mail; where mail is not set up, the chat of the owners is told in its place.
        """
        template = self._templates.find(template_name)
        channel = notification_type or template.notification_type
        if notification_type is None and channel is NotificationType.TELEGRAM and _is_of_mail(recipient):
            channel, recipient = self._instead_of_telegram(recipient)
        return await self.send_notification(
            NotificationMessage(
                notification_type=channel,
                recipient=recipient,
                priority=template.priority,
                template_name=template_name,
                variables=variables,
            )
        )

    async def send_multiple_notifications(self, messages: Sequence[NotificationMessage]) -> dict[str, Sent]:
        """Send each, whatever becomes of the others; by ``channel:recipient``, with ``:2`` and so on for a second one."""
        told: dict[str, Sent] = {}
        for message in messages:
            channel, recipient = NotificationType(message.notification_type), str(message.recipient)
            try:
                sent = await self.send_notification(message)
            except (NeonPayError, ConfigurationError) as exc:
                sent = Sent(note_id="", channel=channel, recipient=recipient, state="failed", error=str(exc))
            key, number = f"{channel}:{recipient}", 2
            while key in told:
                key, number = f"{channel}:{recipient}:{number}", number + 1
            told[key] = sent
        return told

    def add_custom_template(
        self,
        name: str,
        notification_type: NotificationType,
        subject: str,
        body: str,
        variables: Sequence[str],
        priority: NotificationPriority = NotificationPriority.NORMAL,
    ) -> None:
        """Add a template, in place of another one of its name; it is checked here and now.

        Raises:
            ConfigurationError: it cannot be read, or shows what is not among ``variables``.
            ValidationError: it is too long, or there is no such channel or priority.
        """
        self._templates.add(
            NotificationTemplate(
                name=name,
                notification_type=as_type(notification_type),
                subject=subject,
                body=body,
                variables=tuple(variables),
                priority=as_priority(priority),
            )
        )

    def get_stats(self) -> dict[str, bool | int]:
        """Which channels are set up, and how many templates there are; nothing that is secret."""
        config = self.config if self._extension is None else self._extension.config
        there = {name: row.is_there(config, self._extension is not None) for name, row in CHANNELS.items()}
        there[NotificationType.WEBHOOK] = self.config.webhook_url is not None
        return {
            "enabled": self._is_on,
            "available_templates": len(self._templates.names()),
            "configured_notifiers": sum(there.values()),
            **{f"{name}_configured": is_there for name, is_there in there.items()},
        }

    async def close(self) -> None:
        """Give the channels' connections back; they open again when they are used."""
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            await channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _instead_of_telegram(self, recipient: str) -> tuple[NotificationType, str]:
        if CHANNELS[NotificationType.EMAIL].is_there(self.config, False):
            return NotificationType.EMAIL, recipient
        chat = self.config.default_recipient(NotificationType.TELEGRAM)
        return NotificationType.TELEGRAM, recipient if chat is None else chat

    def _note(self, message: NotificationMessage) -> Note:
        channel = NotificationType(message.notification_type)
        recipient = str(message.recipient).strip()
        if recipient in _STANDS_FOR_DEFAULT:
            recipient = self.config.default_recipient(channel) or ""
        if not recipient:
            setting = DEFAULT_RECIPIENTS.get(channel)
            msg = f"a message by {channel} needs a recipient{f', or {setting} in NotificationConfig(…)' if setting else ''}"
            raise ConfigurationError(msg)
        subject, body = message.subject or "", message.body
        if message.template_name is not None:
            fit = tamed if channel is NotificationType.TELEGRAM else straight
            values = {
                name: fit(value) if isinstance(value, str) else value for name, value in message.variables.items()
            }
            subject, body = self._templates.written(message.template_name, values, self._language_code)
        if not subject and not body:
            raise ValidationError("body", body, "what is to be said")
        return Note(
            note_id=note_id(new_event_id()),
            channel=channel,
            recipient=recipient,
            subject=subject,
            body=body,
            kind=message.template_name or _KIND,
            at=moment(self._now_us()),
            priority=NotificationPriority(message.priority),
            data=_as_json(message.metadata),
        )

    def _now_us(self) -> int:
        """Now, by the clock of whoever sends, or would if it were switched on."""
        if self._extension is None or not self._is_on:
            return self._clock.now_us()
        return self._extension.means.clock.now_us()

    def _channel(self, name: NotificationType) -> Channel:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = open_channel(name, self._means)
        return channel


def _used(shop: Shop, extension: Notifications) -> Notifications:
    try:
        return shop.use(extension)
    except ValidationError as exc:
        msg = (
            "this shop uses Notifications(…) or enable_alerts(…) already: write NotificationManager(notifications=…) with what "
            "Notifications(…) or enable_alerts(…) gave you"
        )
        raise ConfigurationError(msg) from exc


def _is_of_mail(recipient: str) -> bool:
    """Whether it is an address of mail, and neither a chat nor a URL."""
    return "@" in str(recipient).strip()[1:] and "://" not in recipient


def _as_json(metadata: Mapping[str, JsonValue]) -> JsonObject:
    try:
        dump_whatever(dict(metadata))
    except (TypeError, ValueError) as exc:
        raise ValidationError("metadata", list(metadata), f"what JSON can say, by names; {exc}") from exc
    return dict(metadata)
