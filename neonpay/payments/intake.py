"""Charges on their way into the ledger: tried for as long as patience lasts, with the handlers that take the connection."""

from __future__ import annotations

import asyncio

from neonpay.errors import LedgerError, LedgerUnavailableError
from neonpay.ledger import Ledger
from neonpay.payments.inline import with_or_without
from neonpay.payments.patience import ANSWER_S, Watch, patiently
from neonpay.payments.planning import Program
from neonpay.payments.recording import Recorder
from neonpay.payments.standing import Arrival, Recorded

_INSIDE_S = 3.0
"""How long a charge waits for handlers that run inside the transaction which records it, its own or others'. After that it is
recorded without them, unless that transaction ends first."""


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
        try:
            return await self._watch.within(self._record(arrival))
        except TimeoutError as exc:
            if isinstance(exc, LedgerError):
                raise
            msg = f"the database did not answer within {self._patience_s:g} s"
            raise LedgerUnavailableError(msg) from exc
        finally:
            self._under_way -= 1
            self._ended.set()

    async def finish(self) -> None:
        """Wait until nothing is being recorded."""
        while self._under_way:
            self._ended.clear()
            await self._ended.wait()

    async def _record(self, arrival: Arrival) -> Recorded | None:
        give_up_at = asyncio.get_running_loop().time() + self._patience_s
        if not self._program.runs_inside:
            return await patiently(
                lambda: self._ledger.run_each(self._recorder.record, arrival),
                give_up_at=give_up_at,
                what=f"recording charge {arrival.charge.charge_id}",
            )

        async def attempt(inside: bool) -> Recorded | None:
            if not inside:
                # In a transaction of its own: beside others it would wait for what a handler has locked, and they with it.
                return await patiently(
                    lambda: self._ledger.run(self._recorder.record_alone, arrival),
                    give_up_at=give_up_at,
                    what=f"recording charge {arrival.charge.charge_id}",
                )
            async with asyncio.timeout(min(self._patience_s, _INSIDE_S)):
                return await self._apart.run_each(self._recorder.record_inside, arrival)

        return await with_or_without(attempt)
