"""``neonpay badge list``."""

from typing import Annotated

import typer

from neonpay.ledger import open_ledger
from neonpay_badge.badges import holders

commands = typer.Typer()


@commands.command("list")
def show(
    bot_id: int, database_url: Annotated[str, typer.Option(envvar="NEONPAY_DATABASE_URL")] = "sqlite:///neonpay.db"
) -> None:
    """Show who has a badge of a bot."""
    ledger = open_ledger(database_url, as_it_is=True)
    for number, user_id in enumerate(ledger.read_sync(lambda tx: holders(tx.connection, bot_id)), 1):
        typer.echo(f"{number} {user_id}")
    ledger.close_sync()
