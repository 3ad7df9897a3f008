"""What one open page knows, and what it has to be told next."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Final

from neonpay.simulator.clock import RunningClock
from neonpay.simulator.control.conditions import described_fault
from neonpay.simulator.page.conversation import Told, newest_checkouts, stamp, tell
from neonpay.simulator.page.money import agenda, checkouts, moved, subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.page.wire import Row, Wire
    from neonpay.simulator.world import World

    Json = Mapping[str, object]

MESSAGES_MAX: Final = 300
"""Newest messages of each chat that a page gets."""
CHECKOUTS_MAX: Final = 1_000
"""Newest presses of Pay among which an invoice's own is looked for."""
ROWS_AT_FIRST: Final = 400
"""Newest rows of the wire that a page gets when it opens."""
_POLLS_WITHIN_S: Final = 6.0
"""Real seconds after a poll during which a bot between two polls counts as connected."""
_DRIFT_S: Final = 0.2
"""A clock that is so far from where it was expected has been moved."""


class View:
    """Finds the difference between what is and what was told.

    Args:
        world: everything.
        wire: what passed.
        monotonic: real seconds.
    """

    def __init__(self, world: World, wire: Wire, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._wire = wire
        self._monotonic = monotonic
        self._parts: dict[str, object] = {}
        self._messages: dict[str, dict[int, Told]] = {}
        self._keyboards: dict[str, Json] = {}
        self._rows: dict[int, str] = {}
        self._turns: dict[int, Json] = {}
        self._last_row = 0
        self._clock_told: tuple[float, float, bool] | None = None

    def changes(self) -> dict[str, object]:
        """Everything at first, then what differs; empty when nothing does."""
        self._wire.catch_up()
        changes: dict[str, object] = {}
        for name, part in self._small_parts().items():
            if self._parts.get(name) != part:
                self._parts[name] = changes[name] = part
        if chats := self._chats():
            changes["chats"] = chats
        if wire := self._wire_changes():
            changes["wire"] = wire
        if self._clock_moved():
            changes["clock"] = self._clock()
        return changes

    def _small_parts(self) -> dict[str, object]:
        world = self._world
        return {
            "bots": [self._bot(bot) for bot in world.accounts.bots.values()],
            "people": [
                {
                    "id": user.id,
                    "name": user.first_name,
                    "username": user.username,
                    "stars": user.balance_stars,
                    "picture": stamp(user.photo),
                }
                for user in world.accounts.users.values()
            ],
            "faults": [described_fault(fault) for fault in world.faults.waiting()],
            "checkouts": checkouts(world),
            "subscriptions": subscriptions(world),
            "moved": moved(world),
            "agenda": agenda(world),
            "counts": {"calls": self._wire.calls, "updates": self._wire.updates},
        }

    def _bot(self, bot: BotAccount) -> Json:
        commands = bot.profile.commands.get(("default", ""), [])
        return {
            "id": bot.id,
            "username": bot.username,
            "name": bot.name,
            "about": bot.profile.descriptions.get("", ""),
            "stars": bot.balance_stars,
            "picture": stamp(bot.photo),
            "link": self._link(bot),
            "commands": [{"command": one.command, "description": one.description} for one in commands],
        }

    def _link(self, bot: BotAccount) -> str:
        """How the bot hears of its updates just now: ``none``, ``polling``, ``webhook`` or ``mtproto``."""
        box = next((box for other, box in self._world.postboxes() if other is bot), None)
        if box is None:
            return "none"
        if box.stream is not None and box.stream.is_heard:
            return "mtproto"
        if box.webhook is not None:
            return "webhook"
        polled_at = self._wire.polled_at.get(bot.username)
        polls = box.poller.waiting or (polled_at is not None and self._monotonic() - polled_at < _POLLS_WITHIN_S)
        return "polling" if polls else "none"

    def _chats(self) -> list[Json]:
        world = self._world
        changed: list[Json] = []
        checkouts_of = newest_checkouts(world, CHECKOUTS_MAX)
        for bot in world.accounts.bots.values():
            for user in world.accounts.users.values():
                chat = world.chats.between(bot, user)
                key = f"{bot.id}:{user.id}"
                before = self._messages.get(key, {})
                now = {
                    told.id: told for told in tell(world, chat, checkouts_of.get((bot.id, user.id), []), MESSAGES_MAX)
                }
                news: dict[str, object] = {}
                fresh = [told.as_json for told in now.values() if before.get(told.id) != told]
                if fresh:
                    news["messages"] = fresh
                if gone := [number for number in before if number not in now]:
                    news["gone"] = gone
                state: Json = {"keyboard": chat.keyboard, "blocked": chat.blocked, "started": chat.started}
                if self._keyboards.get(key) != state and (key in self._keyboards or chat.posts or chat.blocked):
                    self._keyboards[key] = state
                    news |= state
                if news:
                    self._messages[key] = now
                    changed.append({"bot_id": bot.id, "user_id": user.id, **news})
        return changed

    def _wire_changes(self) -> dict[str, object]:
        rows: list[Row] = []
        for row in reversed(self._wire.rows):
            if row.number > self._last_row:
                rows.append(row)
            elif not self._unsettled(row):
                # What stands before has been settled for long, or is looked at again when the page is opened anew.
                if row.number < self._last_row - ROWS_AT_FIRST:
                    break
            elif self._rows.get(row.number) != row.state:
                rows.append(row)
        rows = list(islice(rows, ROWS_AT_FIRST))[::-1]
        if not rows:
            return {}
        self._last_row = max(self._last_row, *(row.number for row in rows))
        turns: list[Json] = []
        for row in rows:
            self._rows[row.number] = row.state
        for turn in {row.turn.number: row.turn for row in rows}.values():
            told = turn.as_json
            if self._turns.get(turn.number) != told:
                self._turns[turn.number] = told
                turns.append(told)
        return {"rows": [row.as_json for row in rows], "turns": turns}

    def _unsettled(self, row: Row) -> bool:
        return row.hop.update is not None and self._rows.get(row.number, "queued") in {"queued", "pending", "held"}

    def _clock_moved(self) -> bool:
        clock, now = self._world.clock, self._monotonic()
        if self._clock_told is None:
            return True
        unix, told_at, frozen = self._clock_told
        expected = unix if frozen else unix + now - told_at
        return clock.frozen != frozen or abs(clock.now() - expected) > _DRIFT_S

    def _clock(self) -> Json:
        clock = self._world.clock
        self._clock_told = (clock.now(), self._monotonic(), clock.frozen)
        return {"unix": clock.now(), "frozen": clock.frozen, "can_run": isinstance(clock, RunningClock)}
