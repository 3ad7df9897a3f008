"""``neonpay web``: the pages of a shop for a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.shop import BotOption, DatabaseOption, errors_in_one_line, run_in_shop, where
from neonpay.cli.stopping import told_to_stop

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore


def web(
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on. There is no password: whoever reaches it reads the pages.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 8080,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Host name by which a browser reaches the pages, such as that of a proxy; again for more."),
    ] = None,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Serve the pages of a shop for a browser on this machine; they only read.

    The shop's bot runs elsewhere; /healthz says whether the ledger answers.
    """

    async def serve(shop: NeonPayCore) -> None:
        from neonpay.web import create_dashboard_app, serving

        app = create_dashboard_app(shop, names=[host, *(name or [])], watches_loops=False)
        stopped = told_to_stop()
        async with serving(app, host=host, port=port) as url:
            typer.echo(f"The shop of bot {shop.adapter.bot_id} is at {url}\nCtrl-C stops it.")
            await stopped.wait()
        typer.echo("Stopped.")

    with errors_in_one_line():
        run_in_shop(where(database, bot_id), serve, only_reads=True)
