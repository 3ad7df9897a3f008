"""What people have done, in order: what cannot be seen in their chats afterwards."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from neonpay.simulator.money.checkout import Checkout

NOTES_MAX: Final = 10_000
"""Notes kept; the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that somebody did, or that happened to all.

    Attributes:
        verb: as a scenario has it, such as ``presses``.
        what: what is said, pressed or given.
        user_id: who; 0 for all.
        bot_id: with which bot; 0 for none in particular.
        message_id: with which message, 0 for none.
        after: the newest message that there was then.
        checkout: what was begun.
    """

    verb: str
    what: str | float
    user_id: int
    bot_id: int
    message_id: int
    after: int
    checkout: Checkout | None = None


class Diary(deque[Note]):
    """Notes, oldest first."""

    def __init__(self) -> None:
        super().__init__(maxlen=NOTES_MAX)
