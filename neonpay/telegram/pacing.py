"""Outgoing calls at the rate that Telegram allows, and again where asking again cannot do harm.

The numbers are Telegram's (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this, read
2026-11-20): about 30 messages a second for a bot, one a second for a chat with short bursts beyond it, 20 a minute for a
group. How long a burst may be is not published; ``CHAT_BURST`` and ``GROUP_BURST`` are our own choice.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TypeVar

from neonpay.core.checkout import CHECKOUT_BUDGET_S
from neonpay.core.limits import (
    CHAT_MESSAGES_PER_S,
    GROUP_MESSAGES_PER_S,
    MESSAGES_PER_S,
    PRE_CHECKOUT_DEADLINE_S,
)
from neonpay.core.retrying import RetryPolicy
from neonpay.errors import TelegramError, TelegramUnreachableError

T = TypeVar("T")
Chat = int | str

CHAT_BURST = 5
"""Messages that a private chat may get at once before it is down to one a second."""
GROUP_BURST = 5
"""Messages that a group may get at once before it is down to twenty a minute."""
PATIENCE_S = 60.0
"""Longest wait for a turn, and longest ``retry_after``, that is waited out; a longer one is the caller's to know."""
TOO_MANY = 429
"""Telegram's code for too many calls, and ours for a turn that does not come soon enough."""

may_wait: ContextVar[bool] = ContextVar("may_wait", default=False)
"""Whether the caller runs in a task of ours, so that waiting for a turn keeps no update from being handled."""

_AGAIN = RetryPolicy(
    on=(TelegramError, TelegramUnreachableError),
    attempts=5,
    first_pause_s=0.1,
    most_pause_s=2.0,
    jitter=0.0,
    total_s=None,
)
"""Pauses before a call is made again, after a first time at once; which are, and within which time, follows from the method."""
_LANES_KEPT = 4096
_SERVER_ERROR = 500
_FLOAT_SLACK_S = 1e-9

_URGENT = frozenset({"answerPreCheckoutQuery", "answerShippingQuery", "answerCallbackQuery", "answerInlineQuery"})
"""Somebody looks at a spinning wheel: these wait behind nothing."""
_AS_THEY_ARE = frozenset({"refundStarPayment", "sendGift", "giftPremiumSubscription", "transferGift", "upgradeGift"})
"""Calls that move Stars: whoever makes one keeps a record of it and decides when it is made again."""
_NO_MESSAGES = frozenset({"sendGift", "sendChatAction"})
_REPEATABLE = frozenset({"createInvoiceLink"})
"""Changes nothing that anybody sees: a link whose answer was lost is a link that nobody has."""


class Pacer:
    """Keeps the calls of one bot within Telegram's limits; waits in the order in which it is asked.

    Args:
        messages_per_s: messages a second in total; None keeps to no limit and only waits when Telegram says so.
        checkout_budget_s: time that may have gone into a decision on a checkout before its answer is sent; asking again may
            add to a call that a buyer waits for what that leaves of Telegram's ten seconds.
        now: seconds of a clock that never goes back; the event loop's when left out.
        sleep: waits for so many seconds of that clock.
    """

    def __init__(
        self,
        *,
        messages_per_s: float | None = MESSAGES_PER_S,
        checkout_budget_s: float = CHECKOUT_BUDGET_S,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._sleep = sleep
        self._urgent_s = max(0.0, PRE_CHECKOUT_DEADLINE_S - checkout_budget_s)
        self._paces = messages_per_s is not None
        rate = messages_per_s or 1.0
        self._all = _Lane(interval_s=1 / rate, burst=max(1.0, rate))
        self._chats: dict[Chat, _Lane] = {}
        self._sweep_at = _LANES_KEPT

    @property
    def chats(self) -> int:
        """How many chats are remembered; those that were quiet for long enough are forgotten from time to time."""
        return len(self._chats)

    async def call(
        self, method: str, chat: Chat | None, send: Callable[[], Awaitable[T]], *, patience_s: float = PATIENCE_S
    ) -> T:
        """What ``send`` returned, called when it may be and again when that is safe.

        Args:
            chat: where a message goes; None for a call that sends none.
            patience_s: longest wait for a turn, and longest ``retry_after``, that is waited out; with 0 nothing is.

        Raises:
            TelegramError: what the last try raised, see ``PacedAdapter``; or code 429 without a try, because the turn comes
                later than ``patience_s``.
            TelegramUnreachableError: what the last try raised.
        """
        began, tries = self._now(), 0
        lost: TelegramUnreachableError | None = None
        while True:
            tries += 1
            if chat is not None and method not in _URGENT and (wait_s := self.delay_s(chat)) > patience_s:
                raise _too_soon(method, wait_s)
            try:
                if chat is None or method in _URGENT:
                    return await send()
                async with self._turn(chat):
                    return await send()
            except (TelegramError, TelegramUnreachableError) as exc:
                left_s = self._urgent_s - (self._now() - began)
                pause_s = _pause_s(method, exc, tries=tries, patience_s=patience_s, urgent_s=left_s)
                if isinstance(exc, TelegramError) and exc.error_code == TOO_MANY and chat is not None:
                    self._hold(chat, float(exc.retry_after_s or 1))
                if pause_s is None:
                    if lost is not None and method in _URGENT:
                        raise lost from exc  # "already answered" may be the answer to what was lost
                    raise
                if isinstance(exc, TelegramUnreachableError):
                    lost = exc
                elif exc.error_code >= _SERVER_ERROR:
                    lost = TelegramUnreachableError(method)
            await self._sleep(pause_s)

    def delay_s(self, chat: Chat, *, ahead: int = 0, coming: int = 0) -> float:
        """Seconds that a message to this chat would have to wait now, behind those that wait already.

        Args:
            ahead: messages to this chat that come before it, whether they wait already or not yet.
            coming: messages to all chats that come before it and do not wait yet.
        """
        now, lane = self._now(), self._lane(chat)
        if not self._paces:
            return max(lane.hold_s(now), self._all.hold_s(now))
        return max(lane.queue_s(now, ahead=ahead), self._all.queue_s(now, coming=coming))

    @asynccontextmanager
    async def _turn(self, chat: Chat) -> AsyncIterator[None]:
        """Wait until a message may go to this chat; what is sent inside the block counts."""
        lane = self._lane(chat)
        if lane.is_free and self._all.is_free and not self._wait_s(lane):
            self._take(lane)
            yield
            return
        # Whoever has the chat's turn waits for the whole bot's, so those behind it for the same chat keep nobody else.
        async with lane.turn():
            await self._until(lane)
            async with self._all.turn():
                await self._until(lane, self._all)
                self._take(lane)
        yield

    async def _until(self, *lanes: _Lane) -> None:
        while (
            wait_s := max(lane.wait_s(self._now()) if self._paces else lane.hold_s(self._now()) for lane in lanes)
        ) > 0:
            await self._sleep(wait_s)

    def _wait_s(self, lane: _Lane) -> float:
        now = self._now()
        if not self._paces:
            return max(lane.hold_s(now), self._all.hold_s(now))
        return max(lane.wait_s(now), self._all.wait_s(now))

    def _take(self, lane: _Lane) -> None:
        now = self._now()
        lane.take(now)
        self._all.take(now)

    def _hold(self, chat: Chat, seconds: float) -> None:
        """Telegram has had enough of this chat's messages, or of the bot's when it says so of two chats at a time."""
        now = self._now()
        others = any(lane.hold_s(now) > 0 for other, lane in self._chats.items() if other != chat)
        for lane in (self._lane(chat), self._all) if others else (self._lane(chat),):
            lane.hold(now + seconds)

    def _lane(self, chat: Chat) -> _Lane:
        lane = self._chats.get(chat)
        if lane is None:
            if len(self._chats) >= self._sweep_at:
                now = self._now()
                self._chats = {known: lane for known, lane in self._chats.items() if not lane.is_idle(now)}
                self._sweep_at = max(_LANES_KEPT, 2 * len(self._chats))
            lane = self._chats[chat] = _private() if isinstance(chat, int) and chat > 0 else _group()
        return lane


class _Lane:
    """A bucket of ``burst`` tokens that gains one every ``interval_s``, and the people who wait for one."""

    __slots__ = ("_burst", "_empty_until", "_held_until", "_interval_s", "_lock", "_waiting")

    def __init__(self, *, interval_s: float, burst: float) -> None:
        self._interval_s = interval_s
        self._burst = burst
        self._empty_until = float("-inf")
        """When the bucket will be full again."""
        self._held_until = float("-inf")
        self._lock = asyncio.Lock()
        self._waiting = 0

    @property
    def is_free(self) -> bool:
        return self._waiting == 0

    def is_idle(self, now: float) -> bool:
        """Whether forgetting the lane changes nothing."""
        return self._waiting == 0 and self._empty_until <= now and self._held_until <= now

    def wait_s(self, now: float) -> float:
        missing_s = self._empty_until - (self._burst - 1) * self._interval_s - now
        return max(missing_s if missing_s > _FLOAT_SLACK_S else 0.0, self.hold_s(now))

    def queue_s(self, now: float, *, ahead: int = 0, coming: int = 0) -> float:
        """``wait_s`` once those who wait, or ``ahead`` if they are more, and those who are coming have had their turns."""
        full_at = max(self._empty_until, now) + (max(self._waiting, ahead) + coming) * self._interval_s
        missing_s = full_at - (self._burst - 1) * self._interval_s - now
        return max(missing_s if missing_s > _FLOAT_SLACK_S else 0.0, self.hold_s(now))

    def hold_s(self, now: float) -> float:
        return max(0.0, self._held_until - now)

    def take(self, now: float) -> None:
        self._empty_until = max(self._empty_until, now) + self._interval_s

    def hold(self, until: float) -> None:
        self._held_until = max(self._held_until, until)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            async with self._lock:
                yield
        finally:
            self._waiting -= 1


def _private() -> _Lane:
    return _Lane(interval_s=1 / CHAT_MESSAGES_PER_S, burst=CHAT_BURST)


def _group() -> _Lane:
    return _Lane(interval_s=1 / GROUP_MESSAGES_PER_S, burst=GROUP_BURST)


def is_message(method: str) -> bool:
    """Whether a Bot API method puts a message into a chat."""
    return method.startswith(("send", "copy", "forward")) and method not in _NO_MESSAGES


def _too_soon(method: str, wait_s: float) -> TelegramError:
    after_s = math.ceil(wait_s)
    words = f"Too Many Requests: retry after {after_s}"
    return TelegramError(method, error_code=TOO_MANY, description=words, retry_after_s=after_s)


def _pause_s(
    method: str,
    error: TelegramError | TelegramUnreachableError,
    *,
    tries: int,
    patience_s: float,
    urgent_s: float,
) -> float | None:
    """Seconds until the call is made again, or None when it is not."""
    if method in _AS_THEY_ARE or tries == _AGAIN.attempts:
        return None
    most_s = min(patience_s, urgent_s) if method in _URGENT else patience_s
    if isinstance(error, TelegramUnreachableError) or error.error_code >= _SERVER_ERROR:
        # Whether it was done is not known: only what does no harm twice.
        is_safe = method in _URGENT or method in _REPEATABLE or method.startswith("get")
        if isinstance(error, TelegramError) and error.retry_after_s is not None:
            return None  # a circuit is open
        pause_s = 0.0 if tries == 1 else _AGAIN.pause_s(tries - 1)
        return pause_s if is_safe and pause_s <= most_s else None
    if error.error_code != TOO_MANY or error.retry_after_s is None:
        return None
    return float(error.retry_after_s) if error.retry_after_s < most_s else None
