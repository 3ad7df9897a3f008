"""Sends what waits for one channel: one program of the shop at a time, each recipient in order, all of them side by side."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

import sqlalchemy as sa

from neonpay.core.clock import Clock, microseconds, stopwatch_s
from neonpay.core.retrying import RetryPolicy
from neonpay.core.text import clean, error_words
from neonpay.errors import ConfigurationError, LedgerError, NotificationDelayedError, NotificationRefusedError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.tables_notifications import notification_mutes
from neonpay.notifications import queue
from neonpay.notifications.channels import Channel
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.manners import HOUR_US, Manners, is_program
from neonpay.notifications.merging import merged
from neonpay.notifications.note import Note
from neonpay.notifications.queue import HELD, Queued, held_alone
from neonpay.store.periodic import Turn

logger = logging.getLogger("neonpay.notifications")

MAX_ATTEMPTS: Final = 14
"""With the pauses between them about five hours; what has not arrived by then is a dead letter."""
AGAIN: Final = RetryPolicy(
    on=NotificationDelayedError, attempts=MAX_ATTEMPTS, first_pause_s=5.0, most_pause_s=3600.0, total_s=None
)
_AT_ONCE: Final = 100
_SIDE_BY_SIDE: Final = 8
_ROUNDS: Final = 20
_LOOK_S: Final = 1.0
"""While somebody has not answered yet, what is due for others is looked for this often."""
_ROUND_S: Final = 15.0
"""After so long no recipient's next note is begun: with the last one's time it is still within the lease of a turn."""
_UNHEARD_US: Final = 120 * 1_000_000
"""A note of whose attempt no end was heard, since the program died, is tried again after this."""
_GATHERED_MOST: Final = 1_000
_STOP_S: Final = 2.0
"""How long a program that stops waits for a channel, and for the ledger, with what it was at."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a channel said of a message: None as ``error`` when it has taken it."""

    error: str | None = None
    is_refused: bool = False
    after_s: float | None = None


class Sender:
    """Sends by one channel from the ledger of one bot.

    Args:
        another_may: whether another program may be let in where this one is refused, so that it has to be tried again.
    """

    def __init__(
        self,
        name: NotificationType,
        open_channel: Callable[[], Channel],
        ledger: Ledger,
        clock: Clock,
        *,
        manners: Manners,
        language_of: Callable[[str], str | None] = lambda _: None,
        another_may: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name
        self._open_channel = open_channel
        self._channel: Channel | None = None
        self._ledger = ledger
        self._clock = clock
        self._manners = manners
        self._language_of = language_of
        self._another_may = another_may
        self._has_told = False
        self._is_closed = False
        self._under_way: set[asyncio.Future[_Answer]] = set()

    async def turn(self, turn: Turn) -> float | None:
        """Send what is due; seconds until more is, None when nothing waits."""
        for _ in range(_ROUNDS):
            if self._is_closed:
                return 0.0
            found = await self._ledger.read(queue.due, turn.bot_id, self.name, self._clock.now_us(), _AT_ONCE)
            if not found:
                return await self._pause_s(turn.bot_id)
            try:
                self.open()
            except ConfigurationError as exc:
                # What this program cannot send another one may, so no attempt at it counts.
                if not self._has_told:
                    self._has_told = True
                    logger.warning("messages by %s wait for a program that can send them: %s", self.name, exc)
                return None
            await self._round(turn.bot_id, found)
            await self._ledger.run(_keep, turn)
        return 0.0

    def open(self) -> Channel:
        """The channel, ready to send; nothing has been connected to.

        Raises:
            ConfigurationError: the configuration is wrong for it, or what it needs is not installed.
        """
        if self._channel is None:
            self._channel = self._open_channel()
        return self._channel

    async def close(self) -> None:
        """Begin nothing more, let what is under way be answered, and give the channel's connections back."""
        self._is_closed = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_STOP_S)
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    async def _pause_s(self, bot_id: int) -> float | None:
        next_us = await self._ledger.read(queue.next_due_us, bot_id, self.name)
        return None if next_us is None else max(0.0, (next_us - self._clock.now_us()) / 1_000_000)

    async def _round(self, bot_id: int, found: Sequence[Queued]) -> None:
        """Send what is due, and what becomes so meanwhile: a recipient who takes long to answer is waited for by no other."""
        mutes = await self._ledger.read(_mutes, bot_id)
        places = asyncio.Semaphore(_SIDE_BY_SIDE)
        began_s = stopwatch_s()

        async def send(line: list[Queued]) -> None:
            async with places:
                await self._send_line(bot_id, line, mutes, began_s)

        under_way: dict[asyncio.Task[None], str] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                for recipient, line in _lines(found).items():
                    under_way[group.create_task(send(line))] = recipient
                done, late = await asyncio.wait(under_way, timeout=_LOOK_S)
                if not late or stopwatch_s() - began_s > _ROUND_S:
                    return
                for task in done:
                    del under_way[task]
                now_us, waited_for = self._clock.now_us(), set(under_way.values())
                found = await self._ledger.read(queue.due, bot_id, self.name, now_us, _AT_ONCE, waited_for)

    async def _send_line(self, bot_id: int, line: Sequence[Queued], mutes: Mapping[str, int], began_s: float) -> None:
        gone: set[str] = set()
        for one in line:
            if stopwatch_s() - began_s > _ROUND_S:
                return
            if one.note.note_id in gone or await self._holds(bot_id, one, mutes):
                continue
            together = [one]
            if one.gathered is not None:
                together = await self._ledger.read(queue.gathered_with, bot_id, one, _GATHERED_MOST) or [one]
            gone.update(other.note.note_id for other in together)
            if not await self._send(bot_id, together):
                return

    async def _holds(self, bot_id: int, one: Queued, mutes: Mapping[str, int]) -> bool:
        if is_program(one.note):
            return False
        now_us = self._clock.now_us()
        sent = await self._ledger.read(queue.sent_since, bot_id, one.note, now_us - HOUR_US)
        until_us = self._manners.held_until_us(one.note, now_us, sent_last_hour=sent, mutes=mutes)
        if until_us is None:
            return False
        # In a digest there would be no buttons under it; of very many there is a digest all the same.
        alone = held_alone(one.note.note_id)
        is_alone = one.note.is_decided_here and sent < self._manners.most_per_hour
        key = one.gathered if one.gathered not in {None, alone} else alone if is_alone else HELD
        await self._ledger.run(queue.hold_until, bot_id, [one.note.note_id], until_us, key)
        return True

    async def _send(self, bot_id: int, together: Sequence[Queued]) -> bool:
        """Try it once; whether the recipient is there for more."""
        first = together[0]
        if self._is_closed:
            return False
        if not await self._claim(bot_id, together):
            return True
        note = merged([one.note for one in together], self._language_of(first.note.recipient))
        began_us, began_s = self._clock.now_us(), stopwatch_s()
        sending = asyncio.ensure_future(self._attempt(note))
        self._under_way.add(sending)
        sending.add_done_callback(self._under_way.discard)
        stop: asyncio.CancelledError | None = None
        try:
            answer = await asyncio.shield(sending)
        except asyncio.CancelledError as exc:
            # What is under way may be read already, so it is given the time to be answered.
            await asyncio.wait({sending}, timeout=_STOP_S)
            if not sending.done():
                sending.cancel()
                await self._let_go(bot_id, together)
                raise
            stop, answer = exc, sending.result()
        took_us = int((stopwatch_s() - began_s) * 1_000_000)
        ending = self._ledger.run(self._ended, bot_id, together, began_us, took_us, answer)
        await _to_its_end(asyncio.ensure_future(ending))
        if stop is not None:
            raise stop
        return answer.error is None or answer.is_refused

    async def _attempt(self, note: Note) -> _Answer:
        try:
            await self.open().send(note)
        except NotificationRefusedError as exc:
            return _Answer(clean(exc), is_refused=not self._another_may())
        except NotificationDelayedError as exc:
            return _Answer(clean(exc), after_s=exc.retry_after_s)
        except Exception as exc:  # whatever a channel's library raises, the other notes go out
            logger.exception("notification %s by %s failed", note.note_id, self.name)
            return _Answer(error_words(exc))
        return _Answer()

    async def _claim(self, bot_id: int, together: Sequence[Queued]) -> bool:
        until_us = self._clock.now_us() + _UNHEARD_US
        claiming = asyncio.ensure_future(self._ledger.run(queue.claim, bot_id, together, until_us))
        try:
            return await _to_its_end(claiming)
        except asyncio.CancelledError:
            if claiming.done() and not claiming.cancelled() and claiming.exception() is None and claiming.result():
                await self._let_go(bot_id, together)
            raise

    async def _let_go(self, bot_id: int, together: Sequence[Queued]) -> None:
        """The program stops: the next one need not wait until nobody can be at it any more."""
        note_ids = [one.note.note_id for one in together]
        releasing = self._ledger.run(queue.hold_until, bot_id, note_ids, self._clock.now_us(), None)
        with suppress(LedgerError, TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await releasing

    def _ended(
        self,
        transaction: Transaction,
        bot_id: int,
        together: Sequence[Queued],
        began_us: int,
        took_us: int,
        answer: _Answer,
    ) -> None:
        first, now_us, error = together[0], self._clock.now_us(), answer.error
        # What was taken is found by those that went with it; what was not is tried again with others, or alone.
        tried = [first] if error is None else together
        queue.note_attempt(transaction, bot_id, tried, at_us=began_us, took_us=took_us, error=error)
        if error is None:
            queue.end(transaction, bot_id, together, state=queue.SENT, at_us=now_us)
            return
        # Those that came later and go out together with it have had fewer attempts, and go on.
        over = [one for one in together if answer.is_refused or one.attempts + 1 >= MAX_ATTEMPTS]
        if over:
            logger.error("notification %s by %s is given up: %s", over[0].note.note_id, self.name, error)
            queue.end(transaction, bot_id, over, state=queue.DEAD, at_us=now_us, error=error)
        waiting = [one for one in together if one not in over]
        if not waiting:
            return
        attempts = first.attempts + 1
        if attempts == 1:
            logger.warning("notification %s by %s waits: %s", first.note.note_id, self.name, error)
        again_us = now_us + int(max(AGAIN.pause_s(attempts), answer.after_s or 0.0) * 1_000_000)
        note_ids = [one.note.note_id for one in waiting]
        queue.hold_until(transaction, bot_id, note_ids, again_us, None)
        queue.wait_behind(transaction, bot_id, first.note, again_us)


def _lines(found: Sequence[Queued]) -> dict[str, list[Queued]]:
    lines: dict[str, list[Queued]] = {}
    for one in found:
        lines.setdefault(one.note.recipient, []).append(one)
    return lines


async def _to_its_end(work: asyncio.Future[_T]) -> _T:
    """What the ledger answers. A program that stops meanwhile waits for it first: what is claimed or sent has to be noted."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        with suppress(LedgerError, TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await asyncio.shield(work)
        raise


def _keep(transaction: Transaction, turn: Turn) -> None:
    turn.save(transaction, position=turn.position)


def _mutes(transaction: Transaction, bot_id: int) -> dict[str, int]:
    row = notification_mutes.c
    query = sa.select(row.recipient, row.until_at).where(row.bot_id == bot_id)
    return {recipient: microseconds(until) for recipient, until in transaction.connection.execute(query).all()}


def silence(transaction: Transaction, bot_id: int, recipient: str, until_us: int) -> None:
    """Have a recipient told only of what is critical until then."""
    row = notification_mutes.c
    transaction.connection.execute(
        sa.delete(notification_mutes).where(row.bot_id == bot_id, row.recipient == recipient)
    )
    transaction.connection.execute(
        sa.insert(notification_mutes).values(bot_id=bot_id, recipient=recipient, until_at=until_us)
    )
