"""What somebody looks for: both databases answer alike, and an id that neither can have is one that is not there."""

from __future__ import annotations

from datetime import datetime

from neonpay.core.payers import whole_id
from neonpay.core.text import fit
from neonpay.errors import ValidationError

_ID_MAX_CHARS = 1_000


def user(user_id: int | None) -> int | None:
    """Whose it is to be; raises ValidationError for what is no id of Telegram's."""
    return None if user_id is None else whole_id("user_id", user_id)


def named(field: str, value: str | None) -> str | None:
    """What it is to be called; raises ValidationError for what is no text."""
    return None if value is None else known_as(field, value)


def known_as(field: str, value: str) -> str:
    """The id of one; raises ValidationError for what is no text."""
    given: object = value
    if not isinstance(given, str):
        raise ValidationError(field, value, "text")
    return fit(given, _ID_MAX_CHARS)


def aware(field: str, value: datetime | None) -> datetime | None:
    """From when or until when; raises ValidationError for a time of no zone, which means no moment."""
    given: object = value
    if given is not None and (not isinstance(given, datetime) or given.utcoffset() is None):
        raise ValidationError(field, value, "a datetime with its zone, such as datetime.now(timezone.utc)")
    return value
