"""What a handler may do so that its effects happen once."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast, overload

from neonpay.core import jsontext
from neonpay.core.jsontext import JsonObject, JsonValue
from neonpay.core.limits import MESSAGE_TEXT_MAX_CHARS
from neonpay.core.payments import Payment, PaymentResult
from neonpay.core.stages import frozen_json
from neonpay.core.text import REASON_MAX_CHARS, clean
from neonpay.core.whole import is_whole
from neonpay.errors import ValidationError
from neonpay.payments.threads import Threads

if TYPE_CHECKING:
    import sqlalchemy as sa

    from neonpay.payments.jobs import JobStore
    from neonpay.store.job_rows import Job

_CHAT_IDS_END = 2**52
"""Telegram's ids have at most 52 significant bits (https://core.telegram.org/bots/api#chat, 2026-11-28)."""
R = TypeVar("R", bound="JsonValue")
T = TypeVar("T")


class Said(NamedTuple):
    """A message that a handler has said."""

    chat_id: int
    message: JsonObject


class _NotedAtOnce:
    """What comes of saying what is noted at once. Awaiting it is a mistake that type checkers find, and costs no delivery."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_NOTED_AT_ONCE = cast("None", _NotedAtOnce())


class PaymentContext:
    """One attempt of one handler at one payment.

    Attributes:
        result: what the handler was given.
        attempt: 1 for the first one.
    """

    __slots__ = ("_enlisted", "_job", "_jobs", "_loop", "_said", "_threads", "attempt", "result")

    def __init__(self, jobs: JobStore, job: Job, result: PaymentResult, threads: Threads) -> None:
        self._jobs = jobs
        self._job = job
        self._loop = asyncio.get_running_loop()
        self._enlisted: list[tuple[sa.Executable, Mapping[str, object] | None]] = []
        self._said: dict[str, Said] | None = None
        self._threads = threads
        self.result = result
        self.attempt = job.attempts

    @property
    def payment(self) -> Payment:
        """The whole fact of the payment."""
        return self.result.payment

    @property
    def idempotency_key(self) -> str:
        """The same text for every attempt of this handler at this payment; give it to services that take one."""
        return f"{self.payment.bot_id}:{self.payment.charge_id}:{self._job.consumer}"

    def enlist(self, statement: sa.Executable, parameters: Mapping[str, object] | None = None) -> None:
        """Have a statement executed in the very transaction that marks this handler as done. There is nothing to await.

        Both happen or neither: the statement takes effect exactly once, however often the handler runs. It runs on the
        ledger's database, after the handler has returned, and not at all when the handler raises.
        """
        self._enlisted.append((statement, parameters))
        return _NOTED_AT_ONCE

    @property
    def enlisted(self) -> list[tuple[sa.Executable, Mapping[str, object] | None]]:
        """The statements in the order in which they were enlisted."""
        return self._enlisted

    def tell(self, text: str, *, key: str | None = None, chat_id: int | None = None, **options: JsonValue) -> None:
        """Send the buyer a message once this handler has succeeded. There is nothing to await.

        It is a job of its own, written in the transaction that marks this handler as done, and not at all when the handler
        raises. It is sent at least once, in no promised order with others, waits out a 429, and is no part of the delivery: of
        a buyer who has blocked the bot or is gone, the log tells, and the job ends as ``refused``.

        Args:
            text: what they read.
            key: names the message among those of this handler, which says each key once; its place among them when left out.
            chat_id: where it goes; the buyer's private chat when left out.
            options: more parameters of Telegram's ``sendMessage``, such as ``parse_mode`` or ``reply_markup``.

        Raises:
            ValidationError: the text is empty or too long, the chat is none, or the options are not JSON; nothing of it will be
                sent.
        """
        if not text.strip():
            raise ValidationError("text", text, "words for the buyer")
        if len(text) > MESSAGE_TEXT_MAX_CHARS and not {"parse_mode", "entities"} & options.keys():
            raise ValidationError("text", f"{len(text)} characters", f"at most {MESSAGE_TEXT_MAX_CHARS} characters")
        if chat_id is not None and not (is_whole(chat_id, -_CHAT_IDS_END, _CHAT_IDS_END) and chat_id):
            raise ValidationError("chat_id", chat_id, "the id of a chat, as Telegram gives it")
        said = self._said = {} if self._said is None else self._said
        # Places and keys never meet: the second message has nothing to do with the one whose key is "1".
        name = f"#{len(said)}" if key is None else f"={_name_of_step(key)}"
        message = {**frozen_json("options", options), "text": text}
        said.setdefault(name, Said(self.payment.user_id if chat_id is None else chat_id, message))
        return _NOTED_AT_ONCE

    @property
    def said(self) -> Mapping[str, Said]:
        """The messages that will be sent, by their keys."""
        return self._said or {}

    @property
    def event_id(self) -> str:
        """Id of the event that this attempt is about."""
        return self._job.event_id

    @overload
    async def step(self, name: str, function: Callable[..., Awaitable[R]], *args: Any) -> R: ...
    @overload
    async def step(self, name: str, function: Callable[..., R], *args: Any) -> R: ...
    async def step(self, name: str, function: Callable[..., Awaitable[R] | R], *args: Any) -> R:
        """Call a function once over all attempts of this handler, and give back what it returned, from then on from memory.

        The result must be JSON; it is stored when the function has returned. A process killed between the two calls the
        function again, so give services ``idempotency_key`` plus the name of the step where they take one.

        Raises:
            TypeError: the result is not JSON; the function was called, and its result is not remembered.
            LeaseLostError: a refund has ended this delivery, or another worker has it. The function was not called, unless it
                happened during the call, and its result is not remembered. Let it pass.
        """
        key = _name_of_step(name)
        stored = await self._jobs.recall(self._job, key)
        if stored is not None:
            return cast("R", jsontext.load(stored))
        # A plain function may block, so it runs in a thread; one that gives back an awaitable is awaited here.
        if inspect.iscoroutinefunction(function):
            outcome: object = function(*args)
        else:
            outcome = await self._threads.run(self._job, function, *args)
        value = await outcome if inspect.isawaitable(outcome) else outcome
        return cast("R", await self._jobs.remember(self._job, key, cast("R", value)))

    def step_sync(self, name: str, function: Callable[..., R], *args: Any) -> R:
        """``step`` for a handler that is a plain function: it waits, and the function runs in the handler's own thread.

        Raises:
            TypeError, LeaseLostError: as for ``step``.
            RuntimeError: the caller runs on the event loop, which waiting would block; nothing was called.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            msg = "step_sync() is for handlers that are plain functions; in an async one, await ctx.step(...)"
            raise RuntimeError(msg)
        key = _name_of_step(name)
        stored = self._wait(self._jobs.recall(self._job, key))
        if stored is not None:
            return cast("R", jsontext.load(stored))
        return cast("R", self._wait(self._jobs.remember(self._job, key, function(*args))))

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


def _name_of_step(name: str) -> str:
    if clean(name) != name:
        raise ValidationError("name", name, f"text of at most {REASON_MAX_CHARS} characters, none of them NUL")
    return name
