"""A sheet becomes a file that is there for one download, and then goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import tzinfo
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from neonpay.books.export import export
from neonpay.books.paper import Format, Paper
from neonpay.books.parquet import write_parquet
from neonpay.core.sheets import columns_of
from neonpay.ledger import Ledger, Transaction
from neonpay.web.pages.exports.order import Order

LIMIT_S: Final = 120.0
"""How long the ledger may be read for one export; the command has no such limit."""


@asynccontextmanager
async def made(ledger: Ledger, bots: list[int], order: Order, zone: tzinfo) -> AsyncIterator[Path]:
    """The file of an order, inside the block; whoever sells does not wait for it.

    Raises:
        LedgerError: the ledger could not be read, or not in time.
        ConfigurationError: what Parquet needs is not installed.
    """
    columns = columns_of(order.sheet, with_names=order.with_names)

    def unit(transaction: Transaction, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            write = Paper(file, order.format).writer(columns)
            selection = order.selection(zone)
            export(transaction, bots, order.sheet, selection, write, with_names=order.with_names, zone=zone)

    with TemporaryDirectory(prefix="neonpay-") as folder:  # nobody else may look into it
        path = Path(folder) / "rows"
        await ledger.report(LIMIT_S, unit, path)
        if order.format is Format.PARQUET:
            lines, path = path, Path(folder) / "parquet"
            await asyncio.to_thread(write_parquet, lines, path, columns)
        yield path
