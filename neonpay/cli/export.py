"""``neonpay export``: payments, refunds, the journal and its days for spreadsheets and programs."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from neonpay.books.paper import Format, Paper
from neonpay.cli.counted import counted
from neonpay.cli.shop import (
    AllBotsOption,
    BotOption,
    DatabaseOption,
    Where,
    errors_in_one_line,
    read_ledger,
    where_to_read,
)
from neonpay.cli.spans import SinceTyped, UntilTyped, ZoneOption
from neonpay.core.sheets import Sheet, columns_of
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.ledger import Transaction


def export(
    sheet: Annotated[Sheet, typer.Argument(help="What to export.")] = Sheet.PAYMENTS,
    *,
    format: Annotated[Format, typer.Option(help="How to write it; parquet needs --output.")] = Format.CSV,  # noqa: A002  # the option's name
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, readable by you alone; standard output when left out."),
    ] = None,
    names: Annotated[bool, typer.Option("--names", help="With the names of buyers, where they are known.")] = False,
    since: SinceTyped = None,
    until: UntilTyped = None,
    zone: ZoneOption = "UTC",
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    all_bots: AllBotsOption = False,
) -> None:
    """Write payments, refunds, the journal or its days, oldest first, with columns that stay."""
    with errors_in_one_line():
        at = where_to_read(database, bot_id, all_bots=all_bots)
        unit = _unit(sheet, names=names, since=since, until=until, zone=zone)
        if format is Format.PARQUET:
            count = _write_parquet(at, unit, output, columns_of(sheet, with_names=names))
        elif output is None:
            read_ledger(at, unit(Paper(sys.stdout, format)))
            return
        else:
            with private_file(output) as file:
                count = read_ledger(at, unit(Paper(file, format)))
    typer.echo(f"{counted(count, 'row is', 'rows are')} in {output}.", err=True)


def _unit(
    sheet: Sheet, *, names: bool, since: str | None, until: str | None, zone: str
) -> Callable[[Paper], Callable[[Transaction, list[int]], int]]:
    """What writes a sheet on a paper, as a unit of work; raises ValidationError: there is no such zone."""
    from datetime import UTC

    from neonpay.analytics.periods import zone_of
    from neonpay.books.export import export as read_sheet
    from neonpay.cli.typed import moment_typed
    from neonpay.store.payment_filter import Selection

    whose = UTC if zone == "UTC" else zone_of(zone)
    edges = [None if typed is None else moment_typed(typed, whose) for typed in (since, until)]
    selection = Selection(since=edges[0], until=edges[1])

    def on(paper: Paper) -> Callable[[Transaction, list[int]], int]:
        def unit(transaction: Transaction, bots: list[int]) -> int:
            write = paper.writer(columns_of(sheet, with_names=names))
            return read_sheet(transaction, bots, sheet, selection, write, with_names=names, zone=whose)

        return unit

    return on


def _write_parquet(
    at: Where,
    unit: Callable[[Paper], Callable[[Transaction, list[int]], int]],
    output: Path | None,
    columns: tuple[str, ...],
) -> int:
    from neonpay.books.parquet import require_parquet, write_parquet

    require_parquet()
    if output is None:
        msg = "a Parquet file cannot be printed; name it with --output payments.parquet"
        raise ConfigurationError(msg)
    with private_file(output) as target, tempfile.TemporaryDirectory(prefix="neonpay-") as folder:
        lines, made = Path(folder) / "rows.jsonl", Path(folder) / "rows.parquet"
        with lines.open("w", encoding="utf-8") as file:
            count = read_ledger(at, unit(Paper(file, Format.JSONL)))
        write_parquet(lines, made, columns)
        with made.open("rb") as rows:
            shutil.copyfileobj(rows, target.buffer)  # into the file that is private already
    return count


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """A file for its owner alone, which takes the place of what is there once all of it is written.

    What is no file, such as a pipe or ``/dev/null``, is written to and stays what it is; so does a link to a file.

    Raises:
        ConfigurationError: its folder is not there, or cannot be written to, or it is a folder itself.
    """
    if path.is_dir():
        msg = f"{path} is a folder; name a file in it in --output"
        raise ConfigurationError(msg)
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    path = path.resolve()
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except FileNotFoundError:
        msg = f"there is no folder {path.parent}; make it, or name another one in --output"
        raise ConfigurationError(msg) from None
    except PermissionError:
        msg = f"the folder {path.parent} cannot be written to; name another one in --output"
        raise ConfigurationError(msg) from None
    try:
        os.close(number)
        with open(name, "w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
