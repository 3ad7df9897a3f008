"""What bots send to a centre, and what it answers: every type of the wire, from which its OpenAPI document is made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from neonpay.collection.placing import Placed, placed
from neonpay.core.clock import microseconds, moment
from neonpay.core.jsontext import JsonValue, dump
from neonpay.errors import ValidationError
from neonpay.tracking import SoftEvent
from neonpay.tracking.money import COMPLETED, MONEY
from neonpay.tracking.soft_event import DATA_MAX_CHARS, ID_MAX_CHARS, NAME_MAX_CHARS, STARS_MAX, TEXT_MAX_CHARS

EVENTS_MAX: Final = 1000
"""Events in one batch."""
ERASED: Final = "person_erased"
"""The kind of an event that has a centre forget the person whom it names, as far as it heard of them from that bot."""
LEDGER_TELLS: Final = "ledger_tells"
"""The kind of an event by which a bot says that it sends what its ledger knows; it is not kept."""
LEDGER_LEFT: Final = "ledger_left"
"""The kind of an event by which a bot says that it sends what its ledger knows no more; it is not kept."""
OF_LEDGER_MARK: Final = "of_ledger"
"""The key in ``data`` of an event that a ledger tells, with ``true``; it is not kept."""
MARK: Final = "at_told"
"""The key in ``data`` of an event that is kept under another time than it told; with the time that it told."""
DATA_CHARS: Final = DATA_MAX_CHARS - 48
"""Longest ``data`` of an event, as JSON; the rest is room for the mark."""
_INT64: Final = 2**63 - 1
_NO_NUL: Final = "^[^\\x00]*$"

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_MAX_CHARS, pattern=_NO_NUL)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_MAX_CHARS, pattern=_NO_NUL)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_MAX_CHARS, pattern=_NO_NUL)]
Whole = Annotated[int, msgspec.Meta(ge=-_INT64, le=_INT64)]
Stars = Annotated[int, msgspec.Meta(ge=-STARS_MAX, le=STARS_MAX)]
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
BotNumber = Annotated[int, msgspec.Meta(ge=1, le=2**52)]
BotId = BotNumber | Name
"""Telegram's id of the bot, or a word that its program calls it by."""


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One event.

    Attributes:
        event_id: the same however often it is sent; a centre keeps it once for each bot.
        kind: what happened: `user_started`, `product_view`, `payment_completed`, or whatever the bot names.
        at: when, by the clock of the bot, with an offset.
        subject: the product or the stage that it is about.
        source: where the person came from.
        stars: whole Stars that it is about.
        data: more of it, at most 4,048 characters as JSON.
    """

    event_id: Id
    kind: Name
    at: Aware
    user_id: Whole | None = None
    subject: Text | None = None
    source: Text | None = None
    stars: Stars | None = None
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The body of `POST /analytics/collect`.

    Attributes:
        bot_id: the bot that all of it is about.
        bot_name: what people call it.
        sent_at: when this was sent, by the clock of the bot; the centre learns from it whether clocks agree.
    """

    bot_id: BotId
    sent_at: Aware
    events: Annotated[list[Told], msgspec.Meta(min_length=1, max_length=EVENTS_MAX)]
    bot_name: Text | None = None


class RealTime(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The body of `POST /analytics/realtime`: one event, which is kept before it is answered like any other."""

    bot_id: BotId
    sent_at: Aware
    event: Told
    bot_name: Text | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """All of it is kept that may be.

    Attributes:
        new: how many events were not there yet; the others had come before.
        moved: how many told another time than that under which they are kept.
        forgotten: how many are not kept, because they are of people whom the centre was told to forget, and from before.
        beside: how many are not kept, because the ledger of the bot, which sends here, tells of the same.
    """

    received: int
    new: int
    moved: int
    forgotten: int = 0
    beside: int = 0


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was kept.

    Attributes:
        error: a word for programs.
        message: what to do, for people.
    """

    error: str
    message: str


def decoded(kind: type[Batch | RealTime], body: bytes) -> Batch:
    """The batch of a body.

    Raises:
        ValidationError: it is none; the message says which field.
    """
    try:
        found = msgspec.json.decode(body, type=kind)
    except RecursionError:
        raise ValidationError("body", "", "JSON that is not nested so deep", is_shown=False) from None
    except msgspec.ValidationError as exc:
        raise _misfit(str(exc)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as exc:
        raise ValidationError("body", "", f"JSON ({_beginning_small(str(exc))})", is_shown=False) from None
    if isinstance(found, Batch):
        return found
    return Batch(bot_id=found.bot_id, sent_at=found.sent_at, events=[found.event], bot_name=found.bot_name)


def _misfit(said: str) -> ValidationError:
    """What a decoder says of a body, and of which field of it."""
    why, _, path = said.partition(" - at `$")
    where = path.removesuffix("`").removeprefix(".") or "body"
    if "matching regex" in why:  # that of every text
        return ValidationError(where, "", "text without the character NUL", is_shown=False)
    return ValidationError(where, "", f"as /analytics/openapi.json has it: {_beginning_small(why)}", is_shown=False)


def _beginning_small(words: str) -> str:
    return words if words.startswith("JSON") else words[:1].lower() + words[1:]


def soft_events(batch: Batch, bot_number: int, now_us: int, *, is_single: bool = False) -> tuple[list[SoftEvent], int]:
    """The events of a batch as they are kept, and how many of them are kept under another time than they told.

    Args:
        is_single: whether it came as one event, which an error then calls so.

    Raises:
        ValidationError: the data of one is none that can be kept, or it has the key of the mark.
    """
    sent_us, moved, found = microseconds(batch.sent_at), 0, []
    for place, told in enumerate(batch.events):
        at = placed(microseconds(told.at), sent_us, now_us)
        moved += at.is_moved
        try:
            found.append(_soft_event(told, bot_number, at))
        except ValidationError as exc:
            raise exc.called({}, within="event" if is_single else f"events[{place}]") from None
    return found, moved


def told_of(event: SoftEvent) -> Told:
    """An event as it is sent."""
    return Told(
        event_id=event.event_id,
        kind=str(event.kind),
        at=event.at,
        user_id=event.user_id,
        subject=event.subject,
        source=event.source,
        stars=event.stars,
        data=dict(event.data),
    )


def check_to_send(event: SoftEvent) -> None:
    """Raise ValidationError for an event that no centre would take."""
    _check_money(event)
    if event.data:
        _check_data(dict(event.data))


def _soft_event(told: Told, bot_number: int, at: Placed) -> SoftEvent:
    event = SoftEvent(
        event_id=told.event_id,
        bot_id=bot_number,
        kind=told.kind,
        at=moment(at.at_us),
        user_id=told.user_id,
        subject=told.subject,
        source=told.source,
        stars=told.stars,
        data=told.data,
    )
    check_to_send(event)
    return replace(event, data={**told.data, MARK: told.at.isoformat()}) if at.is_moved else event


def _check_money(event: SoftEvent) -> None:
    if event.stars is None or event.kind not in MONEY:
        return
    if event.kind == COMPLETED and event.stars < 0:
        raise ValidationError("stars", event.stars, f"0 or more for {COMPLETED}")
    if event.kind != COMPLETED and event.stars > 0:
        raise ValidationError("stars", event.stars, f"0 or less for {event.kind}: what was given back is below zero")


def _check_data(data: dict[str, JsonValue]) -> None:
    if MARK in data:
        raise ValidationError("data", MARK, "an object without the key that the centre marks events with")
    if (chars := len(dump(data))) > DATA_CHARS:
        raise ValidationError("data", chars, f"at most {DATA_CHARS} characters of JSON")
