"""Charges on their way into the ledger: tried for as long as patience lasts, with the handlers that take the connection."""

from __future__ import annotations

import asyncio

from neonpay.errors import LedgerError, LedgerUnavailableError, TransactionEndedError
from neonpay.ledger import Ledger
from neonpay.payments.consumers.selection import Program
from neonpay.payments.deadlines import Watch
from neonpay.payments.handlers.in_transaction import with_or_without
from neonpay.payments.patience import ANSWER_S, AWAY, patiently
from neonpay.payments.recording.recorder import Recorder
from neonpay.payments.recording.standing import Arrival, Recorded

_INSIDE_S = 3.0
"""How long a charge waits for handlers that run inside the transaction which records it, its own or others'. After that it is
recorded without them, unless that transaction ends first."""

_AGAIN_ON = (*AWAY, TransactionEndedError)
"""An extension that has ended the transaction is not asked in the next one."""


class Intake:
    """Records the charges of one bot.

    Args:
        apart: the same database, for units that run handlers and may block.
        patience_s: how long a charge is tried again while the database cannot take it.
    """

    def __init__(
        self, ledger: Ledger, apart: Ledger, recorder: Recorder, program: Program, *, patience_s: float
    ) -> None:
        self._ledger = ledger
        self._apart = apart
        self._recorder = recorder
        self._program = program
        self._patience_s = patience_s
        # An attempt that has no answer by then is left to itself: what it writes may still be kept.
        self._watch = Watch(patience_s + ANSWER_S)
        self._under_way = 0
        self._ended = asyncio.Event()

    async def record(self, arrival: Arrival) -> Recorded | None:
        """What recording has made; None when the ledger had the charge already.

        Raises:
            LedgerError: it could not be recorded in time; Telegram's list of transactions has it.
        """
        self._under_way += 1
        watched = self._watch.enter()
        try:
            if self._program.runs_inside:
                return await with_or_without(lambda inside: self._record(arrival, watched.ends_at, inside=inside))
            try:
                # What nearly every payment comes to, and every payment pays for: one wait and nothing around it.
                return await self._ledger.run_each(self._recorder.record, arrival)
            except _AGAIN_ON as exc:
                refused = exc
            return await self._again(arrival, refused, watched.ends_at)
        except asyncio.CancelledError as exc:
            if not watched.has_run_out():
                raise
            raise self._no_answer() from exc
        except TimeoutError as exc:
            if isinstance(exc, LedgerError):
                raise
            raise self._no_answer() from exc
        finally:
            watched.is_over = True
            self._under_way -= 1
            self._ended.set()

    async def finish(self) -> None:
        """Wait until nothing is being recorded."""
        while self._under_way:
            self._ended.clear()
            await self._ended.wait()

    async def _record(self, arrival: Arrival, ends_at: float, *, inside: bool) -> Recorded | None:
        if inside:
            async with asyncio.timeout(min(self._patience_s, _INSIDE_S)):
                return await self._apart.run_each(self._recorder.record_inside, arrival)

        # In a transaction of its own: beside others it would wait for what a handler has locked, and they with it.
        return await patiently(
            lambda: self._ledger.run(self._recorder.record_alone, arrival),
            give_up_at=ends_at - ANSWER_S,
            what=_named(arrival),
            again_on=_AGAIN_ON,
        )

    async def _again(self, arrival: Arrival, refused: LedgerError, ends_at: float) -> Recorded | None:
        return await patiently(
            lambda: self._ledger.run_each(self._recorder.record, arrival),
            give_up_at=ends_at - ANSWER_S,
            what=_named(arrival),
            refused=refused,
            again_on=_AGAIN_ON,
        )

    def _no_answer(self) -> LedgerUnavailableError:
        return LedgerUnavailableError(f"the database did not answer within {self._patience_s:g} s")


def _named(arrival: Arrival) -> str:
    return f"recording charge {arrival.charge.charge_id}"
