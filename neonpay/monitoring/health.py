"""Whether the shop is at work: the ledger answers, and the loops of this process are alive."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.core.text import error_words
from neonpay.store.signing_keys import bots

if TYPE_CHECKING:
    from neonpay.core.jsontext import JsonValue
    from neonpay.ledger import Transaction
    from neonpay.monitoring.watched import Watched
    from neonpay.store.loops import LoopHealth

logger = logging.getLogger("neonpay.monitoring")

LEDGER_S: Final = 5.0
"""How long the ledger may take to answer."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the shop is.

    Attributes:
        is_open: whether the program has opened the shop.
        engine: what keeps the ledger, ``sqlite`` or ``postgresql``; None when it does not answer.
        loops: those that have to be alive in this process.
        open_circuits: methods that Telegram is not asked for, since it has not answered them.
    """

    is_open: bool
    engine: str | None
    loops: tuple[LoopHealth, ...]
    open_circuits: tuple[str, ...] = ()

    @property
    def stopped(self) -> list[str]:
        """The loops that do not run."""
        return [loop.name for loop in self.loops if not loop.is_alive]

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return self.engine is not None and not self.stopped

    def as_json(self) -> dict[str, JsonValue]:
        """For a monitor; errors stay in the log, since they may hold what is nobody's business."""
        return {
            "ok": self.is_well,
            "is_open": self.is_open,
            "ledger": self.engine is not None,
            "stopped": list(self.stopped),
            "open_circuits": list(self.open_circuits),
            "loops": [{"name": each.name, "is_alive": each.is_alive, "failures": each.failures} for each in self.loops],
        }


async def look(program: Watched, *, watches_loops: bool) -> Health:
    """How the shop is now; takes ``LEDGER_S`` at most.

    Args:
        watches_loops: whether this process is to take up work; one that only reads has loops that never start.
    """
    loops = tuple(program.loops) if watches_loops else ()
    is_open = program.pipeline.is_open
    engine = None
    try:
        async with asyncio.timeout(LEDGER_S):
            engine = await program.pipeline.ledger.read(_engine)
    except TimeoutError:
        logger.warning("the ledger did not answer within %g s", LEDGER_S)
    except Exception as exc:  # noqa: BLE001  # whatever a database says instead of an answer, it is none
        logger.warning("the ledger did not answer: %s", error_words(exc))
    return Health(is_open, engine, loops, tuple(program.open_circuits))


def _engine(transaction: Transaction) -> str:
    bots(transaction)  # a table of ours, so that another database under this URL is no ledger that answers
    return transaction.connection.dialect.name
