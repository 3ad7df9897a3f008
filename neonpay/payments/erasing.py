"""What extensions keep of a person outside of any program that uses them: the part ``eraser`` of their specs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, cast

import sqlalchemy as sa

from neonpay.extensions import installed, load
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.extension_tables import listed
from neonpay.ledger.tables import duties
from neonpay.payments.extensions_used import Extensions


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedThere:
    """What the eraser of an extension did.

    Attributes:
        removed: numbers of what is gone, by what it was.
        to_do: what a program that uses the extension has still to do, in words for people; None when that is nothing.
    """

    removed: Mapping[str, int] = field(default_factory=dict)
    to_do: str | None = None


Eraser: TypeAlias = Callable[[Ledger, int, int, datetime], Awaitable[ErasedThere]]
"""Removes what an extension keeps about a person, given the ledger, the bot, the person, and up to when; idempotent.

It runs in as many units of work as it needs, so that nobody who sells waits for it, and before any hook ``erase`` is asked.
"""


async def erase_there(
    ledger: Ledger, bot_id: int, user_id: int, at: datetime, extensions: Extensions
) -> dict[str, ErasedThere]:
    """What erasers did, by their extensions: of those that this program uses, and that have left traces in the ledger.

    Raises:
        ExtensionError: one cannot be imported.
        LedgerError: the database failed; call again.
    """
    left_traces = await ledger.read(_with_traces, bot_id)
    done = {}
    for found in installed():
        spec = found.spec
        if spec is None or spec.eraser is None:
            continue
        if spec.name in left_traces or extensions.find(spec.name) is not None:
            eraser = cast("Eraser", load(spec, "eraser"))
            done[spec.name] = await eraser(ledger, bot_id, user_id, at)
    return done


def _with_traces(transaction: Transaction, bot_id: int) -> set[str]:
    """Extensions that have tables in this database, or something that comes round for this bot."""
    names = transaction.connection.execute(sa.select(duties.c.name).where(duties.c.bot_id == bot_id)).scalars()
    return {row.extension for row in listed(transaction)} | {name.partition(":")[0] for name in names}
