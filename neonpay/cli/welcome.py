"""What ``neonpay simulate`` says when it begins: where it is, how a bot finds it, and how a buyer is played."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import typer
from rich.panel import Panel
from rich.text import Text

from neonpay.cli.columns import cells, folded, say, terminal_width
from neonpay.cli.counted import counted
from neonpay.cli.pointing import ELSEWHERE, lines, variables
from neonpay.cli.sheets import new_console

if TYPE_CHECKING:
    from neonpay.simulator import BotAccount, Buyer, Simulator

_INDENT: Final = "  "


def page_url(telegram: Simulator) -> str:
    """Where a browser on this machine finds the page, which listens to no other name by default."""
    return telegram.base_url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:") + "/"


def print_welcome(telegram: Simulator, bots: Sequence[BotAccount], buyer: Buyer, *, stars: int) -> None:
    """Print all of it; what is to be copied is broken only where it works in several lines."""
    url = telegram.base_url
    new_console().print(
        Panel.fit(
            f"A local Telegram is running at [bold]{url}[/]\n"
            f"Chat, pay and travel in time in your browser: [bold]{page_url(telegram)}[/]\n"
            "Ctrl-C stops it and forgets everything.",
            title=Text("neonpay"),
        )
    )
    for bot in bots:
        say(f"Start your bot as @{bot.username} with these in its terminal:")
        for line in variables(url, bot.token, is_windows=os.name == "nt"):
            typer.echo(f"{_INDENT}{line}")
    say("The programs of README.md and of examples read them, and so do commands such as `neonpay doctor`.")
    say("In another program a line says where Telegram is:")
    _print_code(lines(url))
    width = terminal_width()
    for line in folded(ELSEWHERE, None if width is None else width - len(_INDENT)):
        typer.echo(f"{_INDENT}{line}")
    say("Time that is moved here moves no clock of your program; one that sells subscriptions says:")
    typer.echo(f"{_INDENT}create_neonpay(..., clock=neonpay.testing.SimulatorClock(address))")
    say(f"Ann has user id {buyer.id} and {counted(stars, 'Star')}. Play her on the page, or from another terminal:")
    name = bots[0].username
    for path, body in (
        (f"users/{buyer.id}/says", f'{{"bot": "{name}", "text": "/start"}}'),
        (f"users/{buyer.id}/pays", '{"message_id": 2}'),
        ("advance", '{"seconds": 10}'),
    ):
        _print_shell(f"curl {url}/_sim/{path}", "-H 'Content-Type: application/json'", f"-d '{body}'")
    _print_shell("curl", f"'{url}/_sim/users/{buyer.id}/messages?bot={name}'")
    say(f"Everything that can be asked: {url}/_sim/")


def _print_code(by_library: Mapping[str, Sequence[str]]) -> None:
    """Print Python for each library: beside its name where all of that fits, else below it."""
    beside = [f"{_INDENT}{library:<20} {''.join(parts)}" for library, parts in by_library.items()]
    width = terminal_width()
    if width is None or max(map(cells, beside)) <= width:
        for line in beside:
            typer.echo(line)
        return
    for library, parts in by_library.items():
        typer.echo(f"{_INDENT}{library}")
        for line in _packed(parts, width, first=_INDENT * 2, then=_INDENT * 4, ends="", joint=""):
            typer.echo(line)


def _print_shell(*parts: str) -> None:
    """Print a command for a shell, which goes on after a backslash where it is too long."""
    width = None if os.name == "nt" else terminal_width()
    for line in _packed(parts, width, first=_INDENT, then=_INDENT * 2, ends=" \\", joint=" "):
        typer.echo(line)


def _packed(parts: Sequence[str], width: int | None, *, first: str, then: str, ends: str, joint: str) -> list[str]:
    """As many parts in each line as it has room for, and what it ends with when another one follows."""
    found = [first + parts[0]]
    for part in parts[1:]:
        longer = f"{found[-1]}{joint}{part}"
        if width is None or cells(longer + ends) <= width:
            found[-1] = longer
        else:
            found[-1] += ends
            found.append(then + part)
    return found
