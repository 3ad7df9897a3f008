"""``neonpay monitoring``: alert rules and a board for those who watch with Prometheus and Grafana."""

from __future__ import annotations

from importlib.resources import files

import typer

monitoring = typer.Typer(help="Alert rules for Prometheus and a board for Grafana.", no_args_is_help=True)


@monitoring.command()
def alerts() -> None:
    """Print alert rules for Prometheus.

    Keep them in a file that Prometheus reads:

    neonpay monitoring alerts > neonpay.rules.yml
    """
    typer.echo(_text("alerts.yml"), nl=False)


@monitoring.command()
def board() -> None:
    """Print a board for Grafana.

    Keep it in a file, and import that there:

    neonpay monitoring board > neonpay.json
    """
    typer.echo(_text("board.json"), nl=False)


def _text(name: str) -> str:
    return files("neonpay.monitoring").joinpath(name).read_text(encoding="utf-8")
