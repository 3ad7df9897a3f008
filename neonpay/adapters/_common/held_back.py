"""Updates that Telegram is to deliver again, because what they tell could not be written."""

from __future__ import annotations

from collections.abc import Collection

CONFIRM_WITHIN_S = 10.0
"""How long an update with money may keep the host's other updates waiting. A bot whose ledger is away for longer goes on,
and the payment is found in Telegram's list of transactions."""
PAUSE_S = 0.5
_MOST_HOLDS = int(CONFIRM_WITHIN_S / PAUSE_S)


class HeldBack:
    """What of a batch of updates was left to Telegram, until it comes again."""

    def __init__(self) -> None:
        self._holds: dict[int, int] = {}
        self._dealt_with: set[int] = set()

    def may_hold(self, update_id: int) -> bool:
        """Whether this update may be left to Telegram once more."""
        holds = self._holds.get(update_id, 0)
        if holds >= _MOST_HOLDS:
            return False
        self._holds[update_id] = holds + 1
        return True

    def hold(self, dealt_with: Collection[int]) -> None:
        """Note which of the updates that come again are dealt with already."""
        self._dealt_with.update(dealt_with)

    def is_dealt_with(self, update_id: int) -> bool:
        """Whether an update that comes again was dealt with the first time."""
        return update_id in self._dealt_with

    def confirm(self) -> None:
        """A whole batch goes to the host, so Telegram will not send it again."""
        self._holds.clear()
        self._dealt_with.clear()
