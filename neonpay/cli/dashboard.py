"""``neonpay dashboard``: what an owner keeps open, and the passwords that it is entered with."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from neonpay.cli.shop import (
    ApiOption,
    BotOption,
    DatabaseOption,
    TokenFileOption,
    change_ledger,
    core_settings,
    errors_in_one_line,
    run_in_shops,
    with_token,
)
from neonpay.cli.stopping import told_to_stop
from neonpay.errors import ConfigurationError, NoLedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from neonpay.app import NeonPayCore
    from neonpay.cli.typed import TypedBot
    from neonpay.ledger import Transaction
    from neonpay.web.access import Role

dashboard = typer.Typer(help="Serve the dashboard of a shop, and say who may enter it.", invoke_without_command=True)

_NICENESS = 10
RoleWord = Literal["viewer", "operator", "owner"]
NameArgument = Annotated[str, typer.Argument(help="Name of the account, such as ann.")]


@dashboard.callback()
def serve(
    context: typer.Context,
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; on any other than this machine's own everybody has to sign in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 8081,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Host name by which a browser reaches it, such as that of a proxy; again for more."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Where owners reach it, such as https://shop.example, for links that the bot sends."),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address or network of a proxy whose X-Forwarded-For and -Proto count; again for more."),
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Nobody changes anything.")] = False,
    database: DatabaseOption = None,
    bot: BotOption = None,
    token_file: TokenFileOption = None,
    api_url: ApiOption = None,
) -> None:
    """Serve the dashboard of all bots of a ledger, which run elsewhere.

    Refunds need the bot's token; other bots of the ledger do what was decided here when they run.
    """
    if context.invoked_subcommand is not None:
        return

    open_dashboard(
        host=host,
        port=port,
        names=name or (),
        address=address,
        trusted_proxies=trusted_proxy or (),
        read_only=read_only,
        database=database,
        bot=bot,
        token_file=token_file,
        api_url=api_url,
    )


def open_dashboard(
    *,
    host: str,
    port: int,
    names: Sequence[str] = (),
    address: str | None = None,
    trusted_proxies: Sequence[str] = (),
    read_only: bool = False,
    takes_events: bool = False,
    database: str | None = None,
    bot: TypedBot | None = None,
    token_file: Path | None = None,
    api_url: str | None = None,
) -> None:
    """Serve the dashboard until somebody stops it; what is in the way is told in one line, and ends the command.

    Args:
        takes_events: it is a centre as well, to which bots send what happened.
    """
    ways: dict[str, Any] = {
        "host": host,
        "port": port,
        "names": names,
        "address": address,
        "trusted_proxies": trusted_proxies,
        "only_looks": read_only,
        "watches_loops": False,
        "tell": typer.echo,
    }

    async def run(shops: Sequence[NeonPayCore]) -> None:
        from neonpay.web import run_dashboard

        if not shops and takes_events:
            await run_alone()
            return
        if not shops:
            msg = "the ledger has no bot yet; start the bot once"
            raise ConfigurationError(msg)
        bots = ", ".join(str(shop.program.adapter.bot_id) for shop in shops)
        if takes_events:
            running = _centre(neonpay=shops[0], others=shops[1:], **ways)
            await _served(running, f"The dashboard of bot {bots} is at {{}}, and takes what bots send")
        else:
            await _served(run_dashboard(*shops, **ways), f"The dashboard of bot {bots} is at {{}}")

    async def run_alone() -> None:
        from neonpay.ledger.open import place_of

        # Named, since the ledger is made here: whoever meant another one sees it.
        words = (
            f"The dashboard of a centre that has no bot yet is at {{}}, and takes what bots send into {place_of(url)}"
        )
        await _served(_centre(database_url=url, **ways), words)

    with errors_in_one_line():
        core = core_settings(database, api_url)
        url = core.database_url
        at = with_token(core, bot, token_file=token_file)
        is_for_all = bot is None and core.bot_id is None
        try:
            run_in_shops(at, run, all_bots=is_for_all, admins=core.admins)
        except NoLedgerError:
            if not (takes_events and is_for_all):
                raise
            asyncio.run(run_alone())


def _centre(**options: Any) -> AbstractAsyncContextManager[str]:
    from neonpay.collection.serving import serving_centre

    return serving_centre(**options)


async def _served(running: AbstractAsyncContextManager[str], words: str) -> None:
    """Serve until somebody stops it; ``{}`` in the words is the address."""
    _let_bots_go_first()
    stopped = told_to_stop()
    async with running as url:
        typer.echo(words.replace("{}", url) + "\nCtrl-C stops it.")
        await stopped.wait()
    typer.echo("Stopped.")


def _let_bots_go_first() -> None:
    """Have the system give the processor to the bots of this machine before the pages; Windows has no such order."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(_NICENESS)


@dashboard.command("password")
def set_password(
    name: NameArgument,
    role: Annotated[RoleWord, typer.Option(help="What they may do.")] = "owner",
    database: DatabaseOption = None,
) -> None:
    """Set the password of an account, which is asked for or read from standard input; whoever had it before is signed out."""
    with errors_in_one_line():
        from neonpay.web.access import Role
        from neonpay.web.access.accounts import is_name
        from neonpay.web.access.passwords import MIN_CHARS, hashed, is_long_enough

        if not is_name(name):
            msg = "the name of an account is 1 to 32 of a-z, 0-9, '_', '.' and '-', a letter first, and not 'local'"
            raise ConfigurationError(msg)
        password = _password()
        if not is_long_enough(password):
            msg = f"a password has {MIN_CHARS} to 256 characters; nothing was changed"
            raise ConfigurationError(msg)
        change_ledger(
            core_settings(database, None).database_url, _set_password, name, Role.named(role), hashed(password)
        )
    typer.echo(f"{name} may sign in as {role}.")


@dashboard.command("remove")
def remove(name: NameArgument, database: DatabaseOption = None) -> None:
    """Take an account away, and sign it out everywhere."""
    with errors_in_one_line():
        change_ledger(core_settings(database, None).database_url, _remove, name)
    typer.echo(f"{name} cannot sign in any more.")


def _remove(transaction: Transaction, name: str) -> None:
    from neonpay.web.access.accounts import all_accounts, remove_account

    if not remove_account(transaction, name):
        there_are = ", ".join(account.name for account in all_accounts(transaction)) or "none"
        msg = f"there is no account {name!r}; there are: {there_are}"
        raise ConfigurationError(msg)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _set_password(transaction: Transaction, name: str, role: Role, password_hash: str) -> None:
    from neonpay.core.clock import SystemClock, moment
    from neonpay.web.access.accounts import keep_account
    from neonpay.web.access.sessions import revoke

    now_us = SystemClock().now_us()
    keep_account(transaction, name, role, now_us, password_hash)
    revoke(transaction, moment(now_us), account=name)
