"""``neonpay export``: payments, refunds and the journal for spreadsheets and programs."""

from __future__ import annotations

import csv
import enum
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from neonpay.cli.counted import counted
from neonpay.cli.shop import (
    BotOption,
    DatabaseOption,
    SinceOption,
    UntilOption,
    errors_in_one_line,
    run_in_shop,
    where,
)
from neonpay.core.sheets import COLUMNS, Sheet, Value
from neonpay.errors import ConfigurationError, LedgerUnavailableError

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.ledger import Transaction
    from neonpay.store.payment_filter import Selection

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
"""What a cell must not begin with, lest a spreadsheet takes it for a formula: OWASP ASVS 5.0 requirement 1.2.10
(https://asvs.emil.hemdal.se/1.2.10, read 2026-11-21), and both ends of a line."""


class Format(enum.StrEnum):
    """How a sheet is written."""

    CSV = "csv"
    JSONL = "jsonl"


def export(
    sheet: Annotated[Sheet, typer.Argument(help="What to export.")] = Sheet.PAYMENTS,
    *,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.CSV,  # noqa: A002  # the option's name
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, readable by you alone; standard output when left out."),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Write payments, refunds or the journal, oldest first, with columns that stay."""
    from neonpay.store.payment_filter import Selection

    selection = Selection(since=since, until=until)

    async def write(shop: NeonPayCore, paper: Paper) -> int:
        return await shop.pipeline.ledger.read(_write, shop.adapter.bot_id, sheet, selection, paper)

    with errors_in_one_line():
        at = where(database, bot_id)
        if output is None:
            paper = Paper(sys.stdout, format)
            run_in_shop(at, lambda shop: write(shop, paper))
            return
        with private_file(output) as file:
            paper = Paper(file, format)
            count = run_in_shop(at, lambda shop: write(shop, paper))
    typer.echo(f"{counted(count, 'row is', 'rows are')} in {output}.", err=True)


def _write(transaction: Transaction, bot_id: int, sheet: Sheet, selection: Selection, paper: Paper) -> int:
    from neonpay.books.export import export as read_sheet

    return read_sheet(transaction, bot_id, sheet, selection, paper.writer(COLUMNS[sheet]))


class Paper:
    """Where a sheet is written.

    Args:
        file: standard output, or a file that can be written anew.
    """

    def __init__(self, file: TextIO, format: Format) -> None:  # noqa: A002  # the option's name
        self._file = file
        self._format = format
        self._is_fresh = True

    def writer(self, columns: Sequence[str]) -> Callable[[Sequence[Value]], None]:
        """Begin, or begin anew, and give what writes a row.

        Raises:
            LedgerUnavailableError: the connection to the database was lost, and what was printed cannot be taken back.
        """
        if not self._is_fresh:
            if not self._file.seekable():
                msg = "the connection to the database was lost, and what was printed cannot be taken back; use --output"
                raise LedgerUnavailableError(msg)
            self._file.seek(0)
            self._file.truncate()
        self._is_fresh = False
        if self._format is Format.JSONL:
            return lambda row: self._write_line(dict(zip(columns, row, strict=True)))
        writer = csv.writer(self._file)
        writer.writerow(columns)
        return lambda row: writer.writerow([cell(value) for value in row])

    def _write_line(self, row: dict[str, Value]) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")


def cell(value: Value) -> str:
    """A value as a cell that no spreadsheet takes for a formula: such a text gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """A file for its owner alone, which takes the place of what is there once all of it is written.

    Raises:
        ConfigurationError: its folder is not there, or cannot be written to.
    """
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except FileNotFoundError:
        msg = f"there is no folder {path.parent.resolve()}; make it, or name another one in --output"
        raise ConfigurationError(msg) from None
    except PermissionError:
        msg = f"the folder {path.parent.resolve()} cannot be written to; name another one in --output"
        raise ConfigurationError(msg) from None
    try:
        with open(number, "w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
