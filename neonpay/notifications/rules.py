"""Which event is told to whom, by which channel, in which words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import NoneType
from typing import Final, get_args, get_type_hints

from neonpay.core.clock import microseconds, moment
from neonpay.core.events import Event
from neonpay.core.jsontext import JsonValue
from neonpay.errors import ValidationError
from neonpay.notifications.kinds import NotificationPriority, NotificationType
from neonpay.notifications.manners import Manners
from neonpay.notifications.note import Note, note_id
from neonpay.notifications.parts import Plain
from neonpay.notifications.queue import Queued

logger = logging.getLogger("neonpay.notifications")

_US: Final = 1_000_000

Writes = Callable[[Event, str | None], tuple[str, str]]
"""Subject and body of what is said of an event, in a language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One of them.

    Attributes:
        name: stable, since what is sent under it is sent once under it.
        events: names of the kinds of events that it is about.
        recipients: chat ids, addresses, phone numbers or URLs; the one that the configuration names when there are none.
        template: a template that writes it, from ``variables_of`` the event; the words of neonpay's own when left out.
        when: whether an event is one to tell of; all are when left out.
        gather_s: seconds in which such messages to one recipient are gathered into one; 0 for none.

    Raises:
        ValidationError: it has no name or no events, its channel or priority is none, events or recipients are one text in
            place of several, or it gathers for less than no time or more than a day.
    """

    name: str
    events: frozenset[str]
    channel: NotificationType = NotificationType.TELEGRAM
    recipients: tuple[str, ...] = ()
    template: str | None = None
    priority: NotificationPriority = NotificationPriority.NORMAL
    when: Callable[[Event], bool] | None = None
    gather_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.name:
            raise ValidationError("name", self.name, "a name that stays")
        if not self.events or isinstance(self.events, str):
            raise ValidationError(
                "events", self.events, 'names of events such as frozenset({"payment_needs_attention"})'
            )
        if isinstance(self.recipients, str):
            raise ValidationError("recipients", self.recipients, 'several, such as ("owner@example.com",)')
        for name, kind in (("channel", NotificationType), ("priority", NotificationPriority)):
            value = getattr(self, name)
            if value not in list(kind):
                raise ValidationError(name, value, f"one of {', '.join(kind)}")
            object.__setattr__(self, name, kind(value))
        object.__setattr__(self, "events", frozenset(self.events))
        object.__setattr__(self, "recipients", tuple(str(recipient) for recipient in self.recipients))
        if not 0 <= self.gather_s <= 24 * 3600:
            raise ValidationError("gather_s", self.gather_s, "0 to 86,400 seconds")

    def wants(self, event: Event) -> bool:
        """Whether it is about this event; it is where its condition raises, so that nothing is kept from whom it is for."""
        if event.name not in self.events or self.when is None:
            return event.name in self.events
        try:
            return bool(self.when(event))
        except Exception:  # one rule's condition must not keep the others from telling
            logger.exception("the condition of rule %s failed, and it tells of event %s", self.name, event.event_id)
            return True

    def queued(
        self, event: Event, recipient: str, written: tuple[str, str], manners: Manners, data: Mapping[str, JsonValue]
    ) -> Queued:
        """The message about an event to one recipient: the same id however often it is asked for."""
        note = Note(
            note_id=note_id(event.event_id, self.name, self.channel, recipient),
            channel=self.channel,
            recipient=recipient,
            subject=written[0],
            body=written[1],
            kind=event.name,
            at=event.at,
            priority=self.priority,
            user_id=event.user_id,
            data=data,
        )
        if self.gather_s:
            due_us = microseconds(event.at) + int(self.gather_s * _US)
            return Queued(note=note, due_at_us=due_us, gathered=f"rule:{self.name}")
        due_us, gathered = manners.due_at_us(note)
        return Queued(note=note, due_at_us=due_us, gathered=gathered)


def variables_of(event: Event) -> dict[str, JsonValue]:
    """What templates may show of an event: its attributes, ``event`` for its name, and its own data.

    ``amount``, ``product_name`` and ``details`` stand for ``amount_stars``, ``stage_id`` and ``reason``, as the guide's
    templates have them.
    """
    common: dict[str, JsonValue] = {
        "event": event.name,
        "event_id": event.event_id,
        "bot_id": event.bot_id,
        "at": event.at.isoformat(),
        "user_id": event.user_id,
        "stage_id": event.stage_id,
        "invoice_id": event.invoice_id,
        "charge_id": event.charge_id,
        "amount_stars": event.amount_stars,
        "reason": event.reason,
        "handler": event.handler,
    }
    guided: dict[str, JsonValue] = {
        "amount": event.amount_stars or 0,
        "product_name": event.stage_id or "",
        "plan_name": event.stage_id or "",
        "details": event.reason or "",
        "alert_type": event.name,
        "error_type": event.name,
        "error_message": event.reason or "",
    }
    return {**guided, **event.data, **common}


def plain_values_of(kind: type[Event]) -> dict[str, Plain]:
    """A value as each variable of a kind of events has it that is a number or a text whenever it is there."""
    try:
        hints = get_type_hints(kind)
    except NameError:  # somebody else's, which names its types for type checkers alone: what is its own may be anything
        hints = get_type_hints(Event)
    common = {field.name: sample for field in fields(Event) if (sample := _sample(hints[field.name])) is not None}
    full = Event(**{**common, "at": moment(0)})  # type: ignore[arg-type]
    plain = {name: value for name, value in variables_of(full).items() if isinstance(value, Plain)}
    for field in fields(kind)[len(fields(Event)) :]:
        plain.pop(field.name, None)
        sample = _sample(hints.get(field.name))
        if sample is not None:
            plain[field.name] = sample
    return plain


def _sample(hint: object) -> Plain | None:
    kinds = set(get_args(hint) or [hint]) - {NoneType}
    return _SAMPLES.get(kinds.pop()) if len(kinds) == 1 else None


_SAMPLES: Final[Mapping[object, Plain]] = {bool: False, int: 0, float: 0.0, str: ""}


def event_data(event: Event) -> dict[str, JsonValue]:
    """What programs read of an event."""
    told = variables_of(event)
    guided = ("amount", "product_name", "plan_name", "details", "alert_type", "error_type", "error_message")
    return {name: value for name, value in told.items() if name not in guided or name in event.data}
