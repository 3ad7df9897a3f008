"""What a program tells a manager, by the names that the guide has."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, cast

from neonpay.core.clock import SystemClock
from neonpay.core.jsontext import JsonValue
from neonpay.core.whole import is_whole
from neonpay.errors import ValidationError
from neonpay.store.ids import new_event_id
from neonpay.tracking import SoftEvent
from neonpay.tracking.kinds import LedgerKind, SoftKind

_TELEGRAM_IDS_MAX: Final = 2**52
"""Telegram's ids are below it (https://core.telegram.org/bots/api#user, read 2026-11-28)."""
_WORD_MAX_CHARS: Final = 64
_NAMED: Final = 2**62
"""Where the numbers of bots begin that only have a name."""
_CALLED: Final = MappingProxyType(
    {"kind": "event_type", "stars": "amount", "data": "metadata", "source": 'metadata["source"]'}
)
"""Fields of a soft event, and what the guide calls them."""
_LATEST_S: Final = 32_503_680_000.0
"""The year 3000: what is after it is no time in seconds."""


class EventType(enum.StrEnum):
    """Every event that the guide names. What makes each true is in ``SoftKind`` and ``LedgerKind``."""

    USER_STARTED = SoftKind.USER_STARTED.value
    USER_MESSAGE = SoftKind.USER_MESSAGE.value
    USER_CALLBACK = SoftKind.USER_CALLBACK.value
    PRODUCT_VIEW = SoftKind.PRODUCT_VIEW.value
    PRODUCT_CLICK = SoftKind.PRODUCT_CLICK.value
    PRODUCT_SHARE = SoftKind.PRODUCT_SHARE.value
    PAYMENT_STARTED = LedgerKind.PAYMENT_STARTED.value
    PAYMENT_COMPLETED = LedgerKind.PAYMENT_COMPLETED.value
    PAYMENT_FAILED = LedgerKind.PAYMENT_FAILED.value
    PAYMENT_CANCELLED = LedgerKind.PAYMENT_CANCELLED.value
    PROMO_CODE_USED = SoftKind.PROMO_CODE_USED.value
    PROMO_CODE_INVALID = SoftKind.PROMO_CODE_INVALID.value
    SUBSCRIPTION_CREATED = LedgerKind.SUBSCRIPTION_CREATED.value
    SUBSCRIPTION_RENEWED = LedgerKind.SUBSCRIPTION_RENEWED.value
    SUBSCRIPTION_EXPIRED = LedgerKind.SUBSCRIPTION_EXPIRED.value
    SUBSCRIPTION_CANCELLED = LedgerKind.SUBSCRIPTION_CANCELLED.value
    BOT_STARTED = SoftKind.BOT_STARTED.value
    BOT_SYNC = SoftKind.BOT_SYNC.value
    BOT_ERROR = SoftKind.BOT_ERROR.value


@dataclass(frozen=True, slots=True)
class MultiBotEvent:
    """Something that happened at one bot of several.

    Attributes:
        bot_id: the word by which the bot is known, or Telegram's id of it.
        bot_name: what people call it.
        amount: Stars, where it is about any.
        timestamp: when, in seconds since the epoch.
        ip_address, user_agent: taken, and not kept: they say who somebody is, and nothing that a report has.
        event_id: the same for the same event however often it is told.
    """

    event_type: str
    bot_id: str
    bot_name: str
    user_id: int | None
    amount: int | None = None
    product_id: str | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    timestamp: float = field(default_factory=lambda: SystemClock().now_us() / 1_000_000)
    session_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    event_id: str = field(default_factory=new_event_id)

    def as_soft(self) -> SoftEvent:
        """The event as it is kept; raises ValidationError: a field is not what it has to be."""
        more = self.metadata
        if self.session_id is not None:
            if not isinstance(self.session_id, str):
                raise ValidationError("session_id", self.session_id, "text, or None")
            more = {**_object(self.metadata), "session_id": self.session_id}
        return soft_event(
            self.event_type,
            bot_number(self.bot_id),
            user_id=self.user_id,
            amount=self.amount,
            subject=self.product_id,
            subject_called="product_id",
            metadata=more,
            at=moment_of(self.timestamp),
            event_id=self.event_id,
        )


def soft_event(
    event_type: str,
    bot: int,
    *,
    user_id: int | None,
    amount: int | None,
    subject: str | None,
    subject_called: str,
    metadata: Mapping[str, JsonValue] | None,
    at: datetime,
    event_id: str,
) -> SoftEvent:
    """What was told, as it is kept; a text ``source`` in the metadata says where the person came from.

    Args:
        subject_called: what whoever tells it calls the subject, for errors.

    Raises:
        ValidationError: a field is not what it has to be, or a purchase has brought less than nothing.
    """
    if event_type == LedgerKind.PAYMENT_COMPLETED and isinstance(amount, int) and amount < 0:
        raise ValidationError("amount", amount, "what was paid, in whole Stars: 0 or more")
    more = {} if metadata is None else _object(metadata)
    source = more.get("source")
    try:
        return SoftEvent(
            event_id=event_id,
            bot_id=bot,
            kind=event_type.value if isinstance(event_type, enum.Enum) else event_type,
            at=at,
            user_id=user_id,
            subject=subject,
            source=source if isinstance(source, str) and source else None,
            stars=amount,
            data=more,
        )
    except ValidationError as exc:
        raise exc.called({**_CALLED, "subject": subject_called}) from None


def bot_number(bot_id: str | int) -> int:
    """The number under which a bot is kept: Telegram's id where that is given, else one that follows from its word.

    The number of a word is the same on every machine, and no id of Telegram's.

    Raises:
        ValidationError: it is neither a word nor an id.
    """
    rule = "a word such as store_bot, or Telegram's id of the bot"
    if is_whole(bot_id, 1, _TELEGRAM_IDS_MAX):
        return cast("int", bot_id)
    if not isinstance(bot_id, str) or not 0 < len(bot_id) <= _WORD_MAX_CHARS:
        raise ValidationError("bot_id", bot_id, rule)
    if bot_id.isascii() and bot_id.isdecimal() and 0 < int(bot_id) < _TELEGRAM_IDS_MAX:
        return int(bot_id)
    word = bot_id.removeprefix("@").lower()
    digest = hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
    return _NAMED | int.from_bytes(digest[:8], "big") >> 3


def is_bot(bot_id: str | int) -> bool:
    """Whether it is a word or an id that a bot may have."""
    try:
        bot_number(bot_id)
    except ValidationError:
        return False
    return True


def moment_of(timestamp: float) -> datetime:
    """A time in seconds since the epoch, aware; raises ValidationError: it is none."""
    if isinstance(timestamp, bool) or not _is_number(timestamp) or not 0 <= timestamp < _LATEST_S:
        raise ValidationError("timestamp", timestamp, "seconds since 1970-01-01 UTC, such as time.time()")
    return datetime.fromtimestamp(timestamp, UTC)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _object(metadata: object) -> dict[str, JsonValue]:
    if not isinstance(metadata, Mapping):
        raise ValidationError("metadata", metadata, "a JSON object")
    return dict(metadata)
