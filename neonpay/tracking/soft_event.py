"""One soft event: a fact that is told beside the ledger, and may be lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from neonpay.core.jsontext import JsonValue, dump
from neonpay.core.stages import frozen_json
from neonpay.core.whole import is_whole
from neonpay.errors import ValidationError

ID_MAX_CHARS: Final = 64
NAME_MAX_CHARS: Final = 64
TEXT_MAX_CHARS: Final = 128
DATA_MAX_CHARS: Final = 4096
"""Longest ``data``, as JSON."""
STARS_MAX: Final = 10**9
"""Most Stars of one event, either way; so many events add up to no more than a ledger can count."""
_INT64: Final = 2**63 - 1
_NO_DATA: Final[Mapping[str, JsonValue]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftEvent:
    """Something that somebody did with a bot, as its program or its updates tell it.

    Attributes:
        event_id: the same for the same event however often it is told; it is kept once per bot.
        kind: what happened; a ``SoftKind``, or whatever the bot names.
        at: when, aware.
        subject: the product or the stage that it is about.
        source: where the person came from, such as the parameter of ``/start``.
        stars: an amount that the program told. It is no payment, and in no figure about money.
        data: more of it, as JSON.

    Raises:
        ValidationError: a field is not what it has to be; every one is looked at, since events come from other machines, too.
    """

    event_id: str
    bot_id: int
    kind: str
    at: datetime
    user_id: int | None = None
    subject: str | None = None
    source: str | None = None
    stars: int | None = None
    data: Mapping[str, JsonValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_text("event_id", self.event_id, ID_MAX_CHARS)
        check_text("kind", self.kind, NAME_MAX_CHARS)
        if self.subject is not None:
            check_text("subject", self.subject, TEXT_MAX_CHARS)
        if self.source is not None:
            check_text("source", self.source, TEXT_MAX_CHARS)
        if not is_whole(self.bot_id, 1, _INT64):
            raise ValidationError("bot_id", self.bot_id, "Telegram's whole-number id of a bot")
        if self.user_id is not None and not is_whole(self.user_id, -_INT64, _INT64):
            raise ValidationError("user_id", self.user_id, "Telegram's whole-number id, or None")
        if self.stars is not None and not is_whole(self.stars, -STARS_MAX, STARS_MAX):
            raise ValidationError("stars", self.stars, f"a whole number of Stars, at most {STARS_MAX}, or None")
        if not is_aware(self.at):
            raise ValidationError("at", self.at, "a datetime with a time zone")
        if self.data:
            data = frozen_json("data", self.data)
            if (chars := len(dump(dict(data)))) > DATA_MAX_CHARS:
                raise ValidationError("data", chars, f"at most {DATA_MAX_CHARS} characters of JSON")
            object.__setattr__(self, "data", data)
        elif self.data != _NO_DATA:
            raise ValidationError("data", self.data, "a JSON object")


def is_aware(at: object) -> bool:
    """Whether it is a datetime with a time zone."""
    return isinstance(at, datetime) and at.tzinfo is not None


def check_text(name: str, value: object, most: int) -> None:
    """Raise ValidationError for what is no text, or none that a database can keep."""
    rule = f"1–{most} characters of Unicode, without NUL"
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise ValidationError(name, value, rule)
    if value.isascii() and "\0" not in value:
        return
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise ValidationError(name, value, rule) from exc
    if "\0" in value:
        raise ValidationError(name, value, rule)
