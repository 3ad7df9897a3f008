"""When a message may disturb somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from neonpay.core.clock import microseconds, moment
from neonpay.core.whole import is_number, is_whole
from neonpay.errors import ConfigurationError, ValidationError
from neonpay.notifications.kinds import NotificationPriority, NotificationType
from neonpay.notifications.note import Note

HOUR_US: Final = 3600 * 1_000_000
_MOST_PER_HOUR: Final = 1_000_000
_GATHER_MOST_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours in which only what is critical is said: ``QuietHours("22:00", "08:00", zone="Europe/Moscow")``.

    Raises:
        ConfigurationError: a time or the zone is none.
    """

    begin: str
    end: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        try:
            begin, end, _ = time.fromisoformat(self.begin), time.fromisoformat(self.end), ZoneInfo(self.zone)
        except (ValueError, ZoneInfoNotFoundError) as exc:
            msg = f'quiet hours are written as QuietHours("22:00", "08:00", zone="Europe/Moscow"); {exc}'
            raise ConfigurationError(msg) from exc
        if begin == end or begin.tzinfo is not None or end.tzinfo is not None:
            msg = 'quiet hours are written as QuietHours("22:00", "08:00", zone="Europe/Moscow") and begin before they end'
            raise ConfigurationError(msg)

    def until(self, at: datetime) -> datetime | None:
        """When the quiet hours that ``at`` lies in are over; None when it lies in none.

        Hours that the change to or from summer time moves are those on the wall.
        """
        zone = ZoneInfo(self.zone)
        here = at.astimezone(zone)
        begin, end = time.fromisoformat(self.begin), time.fromisoformat(self.end)
        wall = here.time()
        is_quiet = begin <= wall < end if begin < end else wall >= begin or wall < end
        if not is_quiet:
            return None
        day = here.date() if wall < end else here.date() + timedelta(days=1)
        over = datetime.combine(day, end, tzinfo=zone)
        # Of an hour that comes twice, the second one is as quiet as the first.
        return over if over.timestamp() > at.timestamp() else over.replace(fold=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What is said at once, and what waits.

    Attributes:
        quiet: hours in which only what is critical is said to people; programs are told at any time.
        most_per_hour: messages of one kind to one person; those that are too many come together when the hour is over.
        gather_low_s: seconds that messages of low priority wait for others.

    Raises:
        ValidationError: nothing could ever be said in an hour, or messages wait for less than no time or more than a day.
    """

    quiet: QuietHours | None = None
    most_per_hour: int = 20
    gather_low_s: float = 900.0

    def __post_init__(self) -> None:
        if not is_whole(self.most_per_hour, 1, _MOST_PER_HOUR):
            raise ValidationError("most_per_hour", self.most_per_hour, f"1 to {_MOST_PER_HOUR:,} messages")
        if not is_number(self.gather_low_s) or not 0 <= self.gather_low_s <= _GATHER_MOST_S:
            raise ValidationError("gather_low_s", self.gather_low_s, "0 to 86,400 seconds")

    def due_at_us(self, note: Note) -> tuple[int, str | None]:
        """When a note that has just been made is due, and with what it goes out together."""
        if note.priority is NotificationPriority.LOW and not is_program(note):
            return microseconds(note.at) + int(self.gather_low_s * 1_000_000), NotificationPriority.LOW.value
        return microseconds(note.at), None

    def held_until_us(self, note: Note, now_us: int, *, sent_last_hour: int, mutes: Mapping[str, int]) -> int | None:
        """Until when a note that is due has to wait; None for not at all."""
        if note.priority is NotificationPriority.CRITICAL or is_program(note):
            return None
        waits = [mutes.get(note.recipient, 0)]
        quiet_until = None if self.quiet is None else self.quiet.until(moment(now_us))
        if quiet_until is not None:
            waits.append(microseconds(quiet_until))
        if sent_last_hour >= self.most_per_hour:
            waits.append(now_us + HOUR_US // 4)
        return max(waits) if max(waits) > now_us else None


def is_program(note: Note) -> bool:
    """Whether it goes to a program, which never sleeps and wants each event by itself."""
    return note.channel is NotificationType.WEBHOOK
