"""What waits for a chat's turn, sent by tasks of ours: nobody who handles an update waits for it.

The chat's turn is the one thing that a buyer can make everybody wait for, by tapping a button twenty times. So whoever asks
for a message takes a place first, which is given or refused at once. A place whose turn is now is used by the caller; any
other one waits in a task of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

from neonpay.core.jsontext import JsonValue
from neonpay.errors import TelegramError, TelegramUnreachableError
from neonpay.telegram.paced import PacedAdapter
from neonpay.telegram.pacing import PATIENCE_S, TOO_MANY, is_message

logger = logging.getLogger("neonpay.telegram")

T = TypeVar("T")

QUEUED_FOR_ONE = 2
"""Messages that may wait in one chat on behalf of one user."""
QUEUED_IN_CHAT = 10
"""Messages that may wait in one chat; a group gets them within half a minute."""
QUEUED = 1_000
"""Messages that may wait in all chats; all are sent within 34 seconds."""


class Place:
    """One message on its way to a chat.

    Attributes:
        refused_for_s: None for a place that may be used; else the seconds after which asking again makes sense.
        is_coming: whether its turn has not been asked for yet.
        is_asking: whether Telegram has been asked, so that it may have arrived.
    """

    def __init__(self, outbox: Outbox, chat_id: int, asker_id: int, refused_for_s: float | None) -> None:
        self.chat_id = chat_id
        self.asker_id = asker_id
        self.refused_for_s = refused_for_s
        self.is_asking = False
        self.is_held = False
        self.is_coming = True
        self.is_used = False
        self.method = ""
        self._outbox = outbox
        self._left = asyncio.Event()

    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a Bot API method; from its first wait on, whoever waits for ``Sending.outcome`` is let go.

        Raises:
            TelegramError: Telegram refused, or its turn comes later than ``PATIENCE_S`` (code 429); nothing was done.
            TelegramUnreachableError: no answer; it may have been done.
        """
        return await self._outbox.call(self, method, params)

    def use(self, work: Callable[[], Awaitable[T]]) -> Sending[T]:
        """Do what sends the message in a task of ours, which no cancelled caller ends."""
        self.is_used = True
        return self._outbox.start(self, work)

    @property
    def is_left(self) -> bool:
        """Whether whoever asked for the message waits for it no longer."""
        return self._left.is_set()

    def leave(self) -> None:
        """Let go whoever waits for the outcome."""
        self._left.set()

    async def until_left(self) -> None:
        """Wait for ``leave``."""
        await self._left.wait()


class Sending(Generic[T]):
    """A message that was handed over."""

    def __init__(self, place: Place, task: asyncio.Task[T]) -> None:
        self._place = place
        self._task = task

    async def outcome(self) -> T | None:
        """What came of it, when its turn was at once; None while it waits. Raises what the work has raised.

        Raises:
            TelegramUnreachableError: everything was closed before the answer came.
        """
        await self._place.until_left()
        if self._task.cancelled():
            raise TelegramUnreachableError(self._place.method)
        return self._task.result() if self._task.done() else None


class Outbox:
    """The messages of one bot that nobody waits for."""

    def __init__(self, adapter: PacedAdapter) -> None:
        self._adapter = adapter
        self._chats: dict[int, Counter[int]] = {}
        self._held = 0
        self._coming = 0
        self._tasks: dict[asyncio.Task[object], Place] = {}

    @property
    def queued(self) -> int:
        """How many messages wait for their turns."""
        return self._held

    @contextmanager
    def place(self, chat_id: int, asker_id: int, *, is_paced: bool = True) -> Iterator[Place]:
        """A place in the queue of a chat, on behalf of a user; given back at the end of the block unless it was used.

        Args:
            is_paced: whether a message is to be sent; anything else waits only when Telegram says so.
        """
        refused_for_s = self._refused_for_s(chat_id, asker_id) if is_paced else None
        place = Place(self, chat_id, asker_id, refused_for_s)
        self._enter(place)
        try:
            yield place
        finally:
            if not place.is_used:
                self._leave(place)

    async def post(self, method: str, params: Mapping[str, JsonValue], *, chat_id: int, asker_id: int) -> None:
        """Make a call at once or when its turn has come; what is not to be sent, or cannot be, is logged."""
        with self.place(chat_id, asker_id, is_paced=is_message(method)) as place:
            if place.refused_for_s is not None:
                logger.warning("%s for user %d is left out: too many wait for chat %d", method, asker_id, chat_id)
                return

            async def work() -> None:
                try:
                    await place.call(method, params)
                except (TelegramError, TelegramUnreachableError) as exc:
                    logger.warning("a message to chat %d was not sent: %s", chat_id, exc)

            sending = place.use(work)
        await sending.outcome()

    async def call(self, place: Place, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """See ``Place.call``."""
        place.method = method

        def on_turn() -> None:
            place.is_asking = True
            self._leave(place)

        try:
            return await self._adapter.call(method, params, patience_s=0, on_turn=on_turn)
        except TelegramError as exc:
            if exc.error_code != TOO_MANY or exc.retry_after_s is None or exc.retry_after_s > PATIENCE_S:
                raise
        self._leave(place)
        place.is_coming = place.is_asking = False
        self._enter(place)
        place.leave()
        return await self._adapter.call(method, params, on_turn=on_turn)

    def start(self, place: Place, work: Callable[[], Awaitable[T]]) -> Sending[T]:
        """See ``Place.use``."""

        async def run() -> T:
            try:
                return await work()
            finally:
                self._leave(place)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks[task] = place
        task.add_done_callback(self._ended)
        return Sending(place, task)

    async def close(self, *, grace_s: float) -> None:
        """Send what has its turn within ``grace_s`` seconds, and end the rest, which learns of it as cancelled."""
        for task, place in self._tasks.items():
            if place.is_held and self._adapter.pacer.delay_s(place.chat_id) > grace_s:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _refused_for_s(self, chat_id: int, asker_id: int) -> float | None:
        waiting = self._chats.get(chat_id) or Counter[int]()
        in_chat = waiting.total()
        wait_s = self._adapter.pacer.delay_s(chat_id, ahead=in_chat, coming=self._coming)
        if not wait_s:
            return None
        is_full = waiting[asker_id] >= QUEUED_FOR_ONE or in_chat >= QUEUED_IN_CHAT or self._held >= QUEUED
        return wait_s if is_full or wait_s > PATIENCE_S else None

    def _enter(self, place: Place) -> None:
        if place.is_held or place.refused_for_s is not None:
            return
        place.is_held = True
        self._held += 1
        self._coming += place.is_coming
        self._chats.setdefault(place.chat_id, Counter())[place.asker_id] += 1

    def _leave(self, place: Place) -> None:
        if not place.is_held:
            return
        place.is_held = False
        self._held -= 1
        self._coming -= place.is_coming
        waiting = self._chats[place.chat_id]
        waiting[place.asker_id] -= 1
        if not waiting[place.asker_id]:
            del waiting[place.asker_id]
        if not waiting:
            del self._chats[place.chat_id]

    def _ended(self, task: asyncio.Task[object]) -> None:
        place = self._tasks.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None and place.is_left:
            logger.error("a message to chat %d that had to wait was not sent: %s", place.chat_id, error)
        place.leave()
