"""``neonpay move``: take the books from one database to another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.counted import counted
from neonpay.cli.sheets import print_json
from neonpay.cli.shop import JsonOption, as_url, errors_in_one_line
from neonpay.errors import ConfigurationError, ExtensionError

if TYPE_CHECKING:
    from neonpay.books.transfer import Moved
    from neonpay.core.jsontext import JsonValue
    from neonpay.ledger import ExtensionTables


def move(
    source: Annotated[
        str, typer.Argument(help="URL of the ledger as it is, which is only read; or env:NAME, a variable that has it.")
    ],
    target: Annotated[str, typer.Argument(help="URL of the database that takes it, or env:NAME.")],
    *,
    bot_id: Annotated[int | None, typer.Option("--bot-id", help="Only this bot; all of them when left out.")] = None,
    despite_findings: Annotated[
        bool, typer.Option("--despite-findings", help="Move books that do not add up as they are.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Copy a ledger from SQLite to PostgreSQL or back, and keep the copy only when nothing differs.

    Stop the bot first. Tables of extensions go along when what makes them is installed here; tables of your own are not copied.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from neonpay.books.transfer import move as move_books
    from neonpay.ledger import open_ledger
    from neonpay.store.signing_keys import bots

    with errors_in_one_line():
        source, target = as_url(_url(source), "the source"), as_url(_url(target), "the target")
        if source == target:
            msg = "source and target are the same database"
            raise ConfigurationError(msg)
        _refuse_missing_folder(target)
        old, new = open_ledger(_only_read(source), as_it_is=True), open_ledger(target)
        try:
            known = old.read_sync(bots)
            if not known:
                msg = "the source has no bot, so there is nothing to move; start the bot on it once"
                raise ConfigurationError(msg)
            if bot_id is not None and bot_id not in known:
                msg = f"the source does not have bot {bot_id}; it has: {', '.join(map(str, known)) or 'none'}"
                raise ConfigurationError(msg)
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
                bar = progress.add_task("", total=None)
                moved = move_books(
                    old,
                    new,
                    bot_ids=known if bot_id is None else [bot_id],
                    note=lambda table, done, total: progress.update(
                        bar, description=table, completed=done, total=total
                    ),
                    despite_findings=despite_findings,
                    extensions=_tables(),
                )
        finally:
            old.close_sync()
            new.close_sync()
    if json:
        print_json([_as_json(one) for one in moved])
        return
    for one in moved:
        counts = (
            counted(one.rows, "row"),
            counted(one.proof.payments, "payment"),
            counted(one.stars, "Star"),
            f"head {one.proof.head or 'none'}",
        )
        typer.echo(f"bot {one.bot_id}: {', '.join(counts)}")
    typer.echo("Both sides agree. Point the bot at the new database, and keep the old one until you are sure.")


def _as_json(one: Moved) -> dict[str, JsonValue]:
    return {
        "bot_id": one.bot_id,
        "rows": one.rows,
        "payments": one.proof.payments,
        "stars": one.stars,
        "head": one.proof.head,
    }


def _tables() -> list[ExtensionTables]:
    """The tables of every extension that is installed here; one that cannot be loaded is told of, and may not be needed."""
    from neonpay.extensions import installed, load
    from neonpay.ledger import ExtensionTables

    found: list[ExtensionTables] = []
    for spec in [row.spec for row in installed() if row.spec is not None and row.spec.tables is not None]:
        try:
            tables = load(spec, "tables")
        except ExtensionError as error:
            typer.echo(f"neonpay: {error}", err=True)
            continue
        if isinstance(tables, ExtensionTables):
            found.append(tables)
        else:
            typer.echo(f"neonpay: extension {spec.name}: {spec.tables} is no neonpay.ledger.ExtensionTables", err=True)
    return found


def _url(given: str) -> str:
    """A URL with a password does not belong on a command line, where every process of the machine can read it."""
    scheme, _, name = given.partition(":")
    if scheme != "env":
        return given
    found = os.environ.get(name)
    if not found:
        msg = f"the variable {name} is not set"
        raise ConfigurationError(msg)
    return found


def _refuse_missing_folder(target: str) -> None:
    """Raise ConfigurationError when a file is to be made in a folder that is not there."""
    path = target.partition(":///")[2].partition("?")[0] if target.startswith("sqlite:") else ""
    if path and not Path(path).parent.is_dir():
        msg = f"there is no folder {Path(path).resolve().parent}; make it, or name another one in the target"
        raise ConfigurationError(msg)


def _only_read(url: str) -> str:
    if not url.startswith("sqlite:"):
        return url
    return url if "mode=" in url else f"{url}{'&' if '?' in url else '?'}mode=ro"
