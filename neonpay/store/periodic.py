"""Work that comes round: one worker of a bot at a time has a periodic task, which remembers how far it has come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.errors import BusyError, LeaseLostError, LedgerError, TelegramError, TelegramUnreachableError
from neonpay.ledger import Insert, Ledger, Transaction
from neonpay.ledger.tables import DatabaseNow, duties
from neonpay.store.loops import Loop, LoopHealth

logger = logging.getLogger("neonpay.payments")

_LEASE_S = 60.0
_AGAIN_FIRST_S = 5.0
_AGAIN_MOST_S = 300.0
_LOOK_S = 0.2
_GIVE_BACK_S = 2.0
"""How long a stop waits until a turn is given back; otherwise its lease runs out."""
_INSERT = Insert(
    duties, "bot_id", "name", "token", "run_at", "position", "memo", computed={"run_at": lambda us: DatabaseNow() + us}
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
        kept = {"position": position, "memo": memo, "run_at": DatabaseNow() + int(_LEASE_S * 1_000_000)}
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

    async def end(self, turn: Turn, *, next_in_s: float) -> None:
        """Give the lease back; the periodic task is due again after so many seconds. Does nothing when the lease was lost."""
        await self._ledger.run(_end, turn, int(next_in_s * 1_000_000))


class PeriodicRunner:
    """Takes turns at periodic tasks for as long as the process lives; two workers never work at one at the same time.

    Args:
        poll_s: how often a worker asks whether a periodic task of another one has become free.
    """

    def __init__(self, book: PeriodicStore, *, poll_s: float = 5.0) -> None:
        self._book = book
        self._poll_s = poll_s
        self._loops: list[Loop] = []

    def add(self, task: PeriodicTask) -> None:
        """Take turns at a periodic task from the next ``start`` on."""
        pause_s = min(self._poll_s, task.every_s)
        self._loops.append(Loop(task.name, _Turns(self._book, task, pause_s=pause_s).once, first_s=pause_s))

    @property
    def health(self) -> list[LoopHealth]:
        """How the loops of the tasks are."""
        return [loop.health for loop in self._loops]

    def start(self) -> None:
        """Begin; each periodic task has a loop of its own."""
        for loop in self._loops:
            loop.start()

    async def stop(self) -> None:
        """Stop where the turns are; what they have saved stays, and another worker goes on from there at once."""
        await asyncio.gather(*[loop.stop() for loop in self._loops])


class _Turns:
    """Takes turns at one periodic task."""

    def __init__(self, book: PeriodicStore, task: PeriodicTask, *, pause_s: float) -> None:
        self._book = book
        self._task = task
        self._pause_s = pause_s
        self._again_s = _AGAIN_FIRST_S
        self._early = task.at_start

    async def once(self) -> float:
        """Take a turn if it is time; seconds until the next look."""
        taking = asyncio.ensure_future(self._book.take(self._task.name, early=self._early))
        try:
            turn = await asyncio.shield(taking)
        except asyncio.CancelledError:
            # What was taken at this very moment would keep every other worker away until its lease runs out.
            await self._give_back(taking)
            raise
        self._early = False
        if turn is not None:
            done = await self._do(turn, again_s=min(self._again_s, self._task.every_s))
            self._again_s = _AGAIN_FIRST_S if done else min(2 * self._again_s, _AGAIN_MOST_S)
        return self._pause_s

    async def _give_back(self, taking: asyncio.Future[Turn | None]) -> None:
        with suppress(LedgerError, TimeoutError):
            async with asyncio.timeout(_GIVE_BACK_S):
                turn = await taking
                if turn is not None:
                    await self._book.end(turn, next_in_s=0.0)

    async def _do(self, turn: Turn, *, again_s: float) -> bool:
        """Do one turn and give it back; whether it came to its end."""
        task = self._task
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
            logger.warning("%s stopped early and goes on in %.0f s: %s", task.name, next_in_s, exc)
        except Exception:  # one periodic task's fault must not end the round
            next_in_s = task.every_s
            logger.exception("%s failed; its next turn is in %.0f s", task.name, next_in_s)
        await self._book.end(turn, next_in_s=next_in_s)
        return done


def _held(turn: Turn) -> tuple[sa.ColumnElement[bool], ...]:
    return (duties.c.bot_id == turn.bot_id, duties.c.name == turn.name, duties.c.token == turn.token)


def _take(transaction: Transaction, bot_id: int, name: str, token: int, early: bool) -> Turn | None:
    transaction.insert(_INSERT, (bot_id, name, None, 0, 0, ""))
    free = duties.c.token.is_(None) if early else sa.false()
    # A unit that runs again has it already.
    may = sa.or_(free, duties.c.run_at <= DatabaseNow(), duties.c.token == token)
    where = (duties.c.bot_id == bot_id, duties.c.name == name, may)
    taken = sa.update(duties).where(*where).values(token=token, run_at=DatabaseNow() + int(_LEASE_S * 1_000_000))
    row = transaction.connection.execute(taken.returning(duties.c.position, duties.c.memo)).first()
    return None if row is None else Turn(bot_id, name, token, row.position, row.memo)


def _end(transaction: Transaction, turn: Turn, next_in_us: int) -> None:
    free = {"token": None, "run_at": DatabaseNow() + next_in_us}
    transaction.connection.execute(sa.update(duties).where(*_held(turn)).values(**free))
