"""When something happened, by the clock of the centre: clocks of bots may be wrong, and batches may have waited for days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_US: Final = timedelta(microseconds=1)
AGREE_US: Final = timedelta(minutes=5) // _US
"""Two clocks agree when they are no further apart than this."""


@dataclass(frozen=True, slots=True)
class Placed:
    """When an event is kept to have happened.

    Attributes:
        at_us: by the centre's clock, in microseconds since the epoch.
        is_moved: whether that is another time than it told.
    """

    at_us: int
    is_moved: bool


def placed(told_us: int, sent_us: int, now_us: int) -> Placed:
    """The time of an event that was told in a batch.

    Clocks that disagree are set off against each other: what happened an hour before it was sent happened an hour ago. What
    still lies ahead, or before 1970, gets the time in which it came; a sale of two years ago stays one.

    Args:
        told_us: when it happened, by the clock of the bot.
        sent_us: when the batch was sent, by that same clock.
        now_us: when it came, by the clock of the centre.
    """
    apart_us = now_us - sent_us
    at_us = told_us if abs(apart_us) <= AGREE_US else told_us + apart_us
    if not 0 <= at_us <= now_us + AGREE_US:
        at_us = now_us
    return Placed(at_us, at_us != told_us)
