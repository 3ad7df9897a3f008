"""A person at the keyboard: asked before Stars move, and named in the ledger afterwards."""

from __future__ import annotations

import getpass
import sys

import typer

from neonpay.cli.exit_codes import FOUND
from neonpay.errors import ConfigurationError


def agreed(question: str, *, yes: bool) -> None:
    """Returns once somebody has said yes, or when ``--yes`` has.

    Raises:
        typer.Exit: they said no; nothing was changed.
        ConfigurationError: nobody answers; the message has ``--yes``.
    """
    if yes:
        return
    typer.echo(f"{question} [y/N]: ", nl=False, err=True)
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        typer.echo(err=True)  # what comes next does not stand beside the question
        raise
    if not answer:
        typer.echo(err=True)
        msg = "nobody answered, and nothing was changed; to do it without being asked, add --yes"
        raise ConfigurationError(msg)
    if answer.strip().casefold() not in {"y", "yes"}:
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(FOUND)


def who_decides() -> str:
    """Who has typed the command, in words for the owner."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        name = "somebody"
    return f"{name} by command"
