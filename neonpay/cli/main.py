"""The ``neonpay`` command. A command is a function in a module of its own and one line at the end of this one."""

from __future__ import annotations

import sys
from typing import Annotated

try:
    import typer
except ModuleNotFoundError as error:
    if error.name != "typer":
        raise
    sys.exit('The neonpay command needs typer and rich: pip install "neonpay[cli]"')

from neonpay import __version__
from neonpay.cli.demo.command import demo
from neonpay.cli.doctor import doctor
from neonpay.cli.export import export
from neonpay.cli.handlers import handlers
from neonpay.cli.move import move
from neonpay.cli.payments import payments
from neonpay.cli.reconcile import reconcile
from neonpay.cli.simulate import simulate
from neonpay.cli.verify import verify

app = typer.Typer(
    name="neonpay",
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


app.command()(simulate)
app.command()(demo)
app.command()(doctor)
app.add_typer(payments, name="payments")
app.add_typer(handlers, name="handlers")
app.command()(verify)
app.command()(reconcile)
app.command()(export)
app.command()(move)


def main() -> None:
    """What the ``neonpay`` script runs."""
    app()
