"""Work that comes round: one worker of a bot at a time has a periodic task, which remembers how far it has come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.core.clock import stopwatch_s
from neonpay.core.log_lines import TASK_DONE, TASK_FAILED, TASK_STOPPED_EARLY
from neonpay.core.retrying import RetryPolicy
from neonpay.core.text import error_words
from neonpay.errors import BusyError, LeaseLostError, LedgerError, TelegramError, TelegramUnreachableError
from neonpay.ledger import Insert, Ledger, Statement, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import duties
from neonpay.store.loops import Loop, LoopHealth

PERIODIC = "periodic"
"""Name of the loop that looks for what is due."""
_LEASE_US = 60 * 1_000_000
_AGAIN = RetryPolicy(on=Exception, attempts=None, first_pause_s=5.0, most_pause_s=300.0, jitter=0.0, total_s=None)
"""Pauses after turns that were cut short; none is longer than the task's own."""
_POKED = "poked"
"""The memo of a task that somebody has poked while a turn at it was under way."""
_LEAST_S = 0.05
"""Shortest pause between two readings, however soon something is due."""
_LOOK_AGAIN_S = 1.0
"""First pause after a reading that failed."""
_LOOK_S = 0.2
_GIVE_BACK_S = 2.0
"""How long a stop waits until a turn is given back; otherwise its lease runs out."""
_INSERT = Insert(
    duties, "bot_id", "name", "token", "run_at", "position", "memo", computed={"run_at": lambda us: DatabaseNow() + us}
)
_WAITS = Statement(
    sa.select(duties.c.name, sa.type_coerce(duties.c.run_at, sa.BigInteger) - DatabaseNow()).where(
        duties.c.bot_id == sa.bindparam("bot_id")
    ),
    "bot_id",
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A lease on one periodic task.

    Attributes:
        position: how far the last turns have come; what it counts is the periodic task's own business.
        memo: a text that the periodic task keeps beside it.
    """

    bot_id: int
    name: str
    token: int
    position: int
    memo: str

    def save(self, transaction: Transaction, *, position: int, memo: str = "") -> None:
        """Remember how far this turn has come, inside the transaction that did the work, and keep the lease.

        Raises:
            LeaseLostError: another worker has taken over; the transaction must not be kept.
        """
        kept = {"position": position, "memo": memo, "run_at": DatabaseNow() + _LEASE_US}
        if not transaction.connection.execute(sa.update(duties).where(*_held(self)).values(**kept)).rowcount:
            msg = f"the lease on {self.name} was lost: another worker has taken over"
            raise LeaseLostError(msg)


Work = Callable[[Turn], Awaitable[float | None]]
"""Does one turn; seconds until the next one when that is to come sooner or later than usual."""


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """What comes round.

    Attributes:
        every_s: seconds from the end of one turn to the next one, unless the turn says otherwise.
        work: does one turn.
        at_start: whether a process that starts takes a turn at once, due or not, unless another worker is at it.
    """

    name: str
    every_s: float
    work: Work
    at_start: bool = False


class PeriodicStore:
    """Takes turns at the periodic tasks of one bot."""

    def __init__(self, ledger: Ledger, bot_id: int, *, new_token: Callable[[], int]) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._new_token = new_token

    async def waits(self) -> dict[str, float]:
        """The seconds until each task of the bot is due, or its lease ends; one that was never taken is not among them."""
        return await self._ledger.read(_waits, self._bot_id)

    async def take(self, name: str, *, early: bool = False) -> Turn | None:
        """The lease on a periodic task that is due; None while it is not, or while another worker has it.

        Args:
            early: take it before it is due, unless another worker has it.
        """
        return await self._ledger.run(_take, self._bot_id, name, self._new_token(), early)

    @asynccontextmanager
    async def turn(self, name: str, *, patience_s: float, next_in_s: float) -> AsyncIterator[Turn]:
        """A lease on a task for the time of the block, whether it is due or not; after it, the task is due in ``next_in_s``.

        Raises:
            BusyError: another worker kept it for ``patience_s`` seconds.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + patience_s
        while (turn := await self.take(name, early=True)) is None:
            if loop.time() > give_up_at:
                raise BusyError(name)
            await asyncio.sleep(_LOOK_S)
        try:
            yield turn
        finally:
            await self.end(turn, next_in_s=next_in_s)

    async def end(self, turn: Turn, *, next_in_s: float) -> float:
        """Give the lease back; the periodic task is due again after so many seconds, or at once when somebody has poked it.

        Returns:
            Seconds until it is due; ``next_in_s`` when the lease was lost, and nothing was done.
        """
        due_in_s = await self._ledger.run(_end, turn, int(next_in_s * 1_000_000))
        return next_in_s if due_in_s is None else due_in_s


class PeriodicRunner:
    """Takes turns at periodic tasks for as long as the process lives; two workers never work at one at the same time.

    One reading asks for all tasks of the process which of them are due, and turns are taken at those alone. Each turn runs in a
    task of its own, so that a long one keeps no other waiting.

    Args:
        poll_s: longest pause between two readings, so that a task which another worker gave back waits no longer.
    """

    def __init__(self, book: PeriodicStore, *, poll_s: float = 5.0) -> None:
        self._book = book
        self._poll_s = poll_s
        self._turns: list[_Turns] = []
        self._wake = asyncio.Event()
        self._has_started = False
        self._look = Loop(PERIODIC, self._once, first_s=min(poll_s, _LOOK_AGAIN_S), wait=self._wait)

    def add(self, task: PeriodicTask) -> None:
        """Take turns at a periodic task from ``start`` on, which may have been; does nothing for one that is there."""
        if any(turns.name == task.name for turns in self._turns):
            return
        turns = _Turns(self._book, task, poll_s=self._poll_s, ended=self._look_in)
        self._turns.append(turns)
        if self._has_started:
            turns.start()
            self._wake.set()

    @property
    def health(self) -> list[LoopHealth]:
        """How the look for what is due is, and how the turns of each task are."""
        return [self._look.health, *[turns.loop.health for turns in self._turns]]

    def start(self) -> None:
        """Begin to look for what is due; tasks that say so take a turn at once."""
        if self._has_started:
            return
        self._has_started = True
        for turns in self._turns:
            turns.start()
        self._look.start()

    def look_soon(self) -> None:
        """Look at once for what is due, such as a task that has just been poked; many who ask at one time cost one look."""
        if self._has_started:
            self._look_in(0.0)

    async def stop(self) -> None:
        """Stop where the turns are; what they have saved stays, and another worker or ``start`` goes on from there at once."""
        self._has_started = False
        await asyncio.gather(self._look.stop(), *[turns.loop.stop() for turns in self._turns])

    async def _once(self) -> float:
        """Begin the turns that are due; seconds until the next look."""
        waits = await self._book.waits()
        pause_s = self._poll_s
        for turns in self._turns:
            if turns.is_due.is_set():
                continue  # its end says when to look again
            due_in_s = waits.get(turns.name, 0.0)
            if due_in_s <= 0:
                turns.is_due.set()
            else:
                pause_s = min(pause_s, due_in_s)
        return max(pause_s, min(self._poll_s, _LEAST_S))

    async def _wait(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        self._wake.clear()

    def _look_in(self, seconds: float) -> None:
        if seconds < self._poll_s:
            asyncio.get_running_loop().call_later(max(seconds, min(self._poll_s, _LEAST_S)), self._wake.set)


class _Turns:
    """Takes turns at one periodic task, each time that it is said to be due."""

    def __init__(
        self, book: PeriodicStore, task: PeriodicTask, *, poll_s: float, ended: Callable[[float], None]
    ) -> None:
        self._book = book
        self._task = task
        self._ended = ended
        self._failures = 0
        self._early = False
        self.name = task.name
        self.is_due = asyncio.Event()
        """Set from the moment in which the task was found to be due until its turn has ended."""
        self.loop = Loop(task.name, self._once, first_s=min(poll_s, task.every_s), wait=self._wait)

    def start(self) -> None:
        """Take turns from now on."""
        if self._task.at_start:
            self._early = True
            self.is_due.set()
        self.loop.start()

    async def _wait(self, pause_s: float) -> None:
        await self.is_due.wait()

    async def _once(self) -> float:
        """Take a turn if it is time; what is raised here comes again, unless the turn has begun."""
        if not self.is_due.is_set():
            return 0.0
        turn = await self._take()
        try:
            if turn is not None:
                again_s = min(_AGAIN.pause_s(self._failures + 1), self._task.every_s)
                self._failures = 0 if await self._do(turn, again_s=again_s) else self._failures + 1
        finally:
            self.is_due.clear()
        return 0.0

    async def _take(self) -> Turn | None:
        taking = asyncio.ensure_future(self._book.take(self._task.name, early=self._early))
        try:
            turn = await asyncio.shield(taking)
        except asyncio.CancelledError:
            # What was taken at this very moment would keep every other worker away until its lease runs out.
            await self._give_back(taking)
            raise
        self._early = False
        return turn

    async def _give_back(self, taking: asyncio.Future[Turn | None]) -> None:
        with suppress(LedgerError, TimeoutError):
            async with asyncio.timeout(_GIVE_BACK_S):
                turn = await taking
                if turn is not None:
                    await self._book.end(turn, next_in_s=0.0)

    async def _do(self, turn: Turn, *, again_s: float) -> bool:
        """Do one turn and give it back; whether it came to its end."""
        task, began_s = self._task, stopwatch_s()
        next_in_s, done = again_s, False
        try:
            sooner_s = await task.work(turn)
            next_in_s, done = task.every_s if sooner_s is None else sooner_s, True
        except asyncio.CancelledError:
            # A database that is away must not keep the process from stopping.
            with suppress(LedgerError, TimeoutError):
                async with asyncio.timeout(_GIVE_BACK_S):
                    await self._book.end(turn, next_in_s=0.0)
            raise
        except (LedgerError, TelegramError, TelegramUnreachableError) as exc:
            next_in_s = max(next_in_s, getattr(exc, "retry_after_s", None) or 0.0)
            TASK_STOPPED_EARLY.tell(
                turn, began_s=began_s, task=task.name, next_in_s=round(next_in_s, 1), reason=error_words(exc)
            )
        except Exception as exc:  # noqa: BLE001  # one periodic task's fault must not end the round
            next_in_s = task.every_s
            TASK_FAILED.tell(turn, began_s=began_s, error=exc, task=task.name, next_in_s=round(next_in_s, 1))
        else:
            TASK_DONE.tell(turn, began_s=began_s, task=task.name, next_in_s=round(next_in_s, 1))
        self._ended(await self._book.end(turn, next_in_s=next_in_s))
        return done


def _held(turn: Turn) -> tuple[sa.ColumnElement[bool], ...]:
    return (duties.c.bot_id == turn.bot_id, duties.c.name == turn.name, duties.c.token == turn.token)


def _waits(transaction: Transaction, bot_id: int) -> dict[str, float]:
    return {name: int(wait_us) / 1_000_000 for name, wait_us in transaction.rows(_WAITS, bot_id)}


def _take(transaction: Transaction, bot_id: int, name: str, token: int, early: bool) -> Turn | None:
    free = duties.c.token.is_(None) if early else sa.false()
    # A unit that runs again has it already.
    may = sa.or_(free, duties.c.run_at <= DatabaseNow(), duties.c.token == token)
    where = (duties.c.bot_id == bot_id, duties.c.name == name, may)
    taken = sa.update(duties).where(*where).values(token=token, run_at=DatabaseNow() + _LEASE_US)
    row = transaction.connection.execute(taken.returning(duties.c.position, duties.c.memo)).first()
    if row is not None:
        return Turn(bot_id, name, token, row.position, row.memo)
    is_first = transaction.insert(_INSERT, (bot_id, name, token, _LEASE_US, 0, ""))
    return Turn(bot_id, name, token, 0, "") if is_first else None


def standing(transaction: Transaction, bot_id: int, name: str) -> tuple[int, int | None] | None:
    """When a task is due or its lease ends, in microseconds, and the token of the lease; None when it was never taken."""
    query = sa.select(sa.type_coerce(duties.c.run_at, sa.BigInteger), duties.c.token)
    row = transaction.connection.execute(query.where(duties.c.bot_id == bot_id, duties.c.name == name)).first()
    return None if row is None else (int(row[0]), row[1])


def poke(transaction: Transaction, bot_id: int, names: Collection[str]) -> None:
    """Have tasks, which keep no memo, looked at soon: at once, or at the end of the turn that somebody has at one of them."""
    mine = sa.update(duties).where(duties.c.bot_id == bot_id, duties.c.name.in_(names))
    transaction.connection.execute(mine.where(duties.c.token.is_(None)).values(run_at=DatabaseNow()))
    transaction.connection.execute(mine.where(duties.c.token.is_not(None)).values(memo=_POKED))


def _end(transaction: Transaction, turn: Turn, next_in_us: int) -> float | None:
    is_poked = duties.c.memo == _POKED
    free = {
        "token": None,
        "run_at": DatabaseNow() + sa.case((is_poked, 0), else_=next_in_us),
        "memo": sa.case((is_poked, ""), else_=duties.c.memo),
    }
    ended = sa.update(duties).where(*_held(turn)).values(**free)
    due_in = sa.type_coerce(duties.c.run_at, sa.BigInteger) - DatabaseNow()
    due_in_us = transaction.connection.execute(ended.returning(due_in)).scalar()
    return None if due_in_us is None else int(due_in_us) / 1_000_000
