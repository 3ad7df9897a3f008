"""The ``neonpay`` command. A command is a function in a module of its own and a row in ``neonpay.cli.commands``."""

from __future__ import annotations

import io
import sys
from typing import Annotated

try:
    import typer
except ModuleNotFoundError as error:
    if error.name != "typer":
        raise
    from neonpay.installing import install_line

    sys.exit(f"The neonpay command needs typer and rich; run: {install_line('cli')}")
except KeyboardInterrupt:
    sys.exit(130)

from neonpay._version import __version__
from neonpay.cli.lazy import LazyGroup

app = typer.Typer(
    name="neonpay",
    cls=LazyGroup,
    help="Sell for Telegram Stars from any Python bot.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # locals hold tokens
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"neonpay {__version__}")
        raise typer.Exit


@app.callback()
def neonpay(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Sell for Telegram Stars from any Python bot."""


def main() -> None:
    """What the ``neonpay`` script runs."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without "…" shows a question mark
    try:
        app()
    except KeyboardInterrupt:  # while the command was still being imported
        sys.exit(130)
