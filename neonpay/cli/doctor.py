"""``neonpay doctor``: look at everything that keeps a bot from selling, and change nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.columns import Column, print_with_remarks, say, shown
from neonpay.cli.counted import counted
from neonpay.cli.exit_codes import FOUND
from neonpay.cli.lines import runnable
from neonpay.cli.sheets import print_json
from neonpay.cli.shop import (
    SECRET_VARIABLE,
    ApiOption,
    BotOption,
    DatabaseOption,
    JsonOption,
    TokenFileOption,
    Where,
    core_settings,
    errors_in_one_line,
    with_token,
)
from neonpay.cli.speaking import TOKEN_VARIABLE
from neonpay.cli.typed import TypedBot
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from neonpay.cli.checks.check import Check
    from neonpay.cli.checks.updates import Expected

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
_SECRET_MIN_CHARS = 6
"""Shorter texts are no secrets, and would be cut out of the middle of words."""


def doctor(
    *,
    library: Annotated[
        str | None, typer.Option("--library", help="The library that the bot uses; others do not matter then.")
    ] = None,
    by_importing: Annotated[
        bool, typer.Option("--import", help="Also import each library, in a process of its own.")
    ] = False,
    polling: Annotated[
        bool | None, typer.Option("--polling/--webhook", help="How the bot gets its updates.", show_default=False)
    ] = None,
    subscriptions: Annotated[bool, typer.Option("--subscriptions", help="The bot sells subscriptions.")] = False,
    test_environment: Annotated[
        bool, typer.Option("--test-environment", help="The bot lives in Telegram's test environment.")
    ] = False,
    secret_env: Annotated[
        str | None,
        typer.Option(
            "--secret-env", metavar="NAME", help="Variable with the secret that signs invoices, if not NEONPAY_SECRET."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 for warnings, too.")] = False,
    timeout_s: Annotated[
        float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="For each answer that is waited for.")
    ] = 10.0,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    token_file: TokenFileOption = None,
    api_url: ApiOption = None,
) -> None:
    """Look at libraries, token, updates, database and secrets, and say what keeps the bot from selling. Changes nothing.

    Exit code 1 when there is a problem.
    """
    from neonpay.adapters import ADAPTERS
    from neonpay.cli.checks.check import State, worst
    from neonpay.cli.checks.import_names import check_import_names
    from neonpay.cli.checks.libraries import check_libraries
    from neonpay.cli.checks.ourselves import check_neonpay
    from neonpay.cli.checks.secrecy import check_files, check_secret
    from neonpay.cli.checks.updates import Expected, Receives

    names = [spec.name for spec in ADAPTERS]
    if library is not None and library not in names:
        raise typer.BadParameter(f"there are: {', '.join(names)}", param_hint="--library")
    with errors_in_one_line(runnable):
        at, fault, admins = _where(database, bot_id, token_file, api_url)
    if secret_env is None and os.environ.get(SECRET_VARIABLE):
        secret_env = SECRET_VARIABLE
    receives = None if polling is None else Receives.POLLING if polling else Receives.WEBHOOK
    files = check_files(at.database_url, token_file=token_file)  # before SQLite opens and closes them
    checks = [check_neonpay(here=Path.cwd())]
    checks += check_libraries(only=library, by_importing=by_importing)
    checks += check_import_names(here=Path.cwd(), only=library)
    checks += asyncio.run(
        _outside(
            at,
            fault,
            Expected(receives, subscriptions),
            admins=admins,
            test_environment=test_environment,
            timeout_s=timeout_s,
        )
    )
    checks.append(check_secret(secret_env, os.environ, token=at.token))
    checks = _without_secrets(_with_what_was_typed(checks + files), _secrets(at, secret_env))
    state = worst(checks)
    if json:
        print_json({"state": state.value, "checks": [asdict(check) for check in checks]})
    else:
        _print(checks)
    if state is State.PROBLEM or (strict and state is State.WARNING):
        raise typer.Exit(FOUND)


def _where(
    database: str | None, bot: TypedBot | None, token_file: Path | None, api_url: str | None
) -> tuple[Where, str | None, Sequence[int]]:
    """What the options and the settings say, what is wrong with the token, which is left out then, and whose the shop is."""
    core = core_settings(database, api_url)
    try:
        return with_token(core, bot, token_file=token_file), None, core.admins
    except ConfigurationError as error:
        return (
            Where(
                core.database_url,
                None if bot is None else bot.bot_id,
                None,
                core.api_url,
                bot_name=bot.username if bot else "",
            ),
            str(error),
            core.admins,
        )


async def _outside(
    at: Where,
    fault: str | None,
    expected: Expected,
    *,
    admins: Sequence[int],
    test_environment: bool,
    timeout_s: float,
) -> list[Check]:
    """What Telegram and the database say; both are asked at the same time."""
    from neonpay.backup.settings import settings_from_environment
    from neonpay.cli.checks.backups import check_backups
    from neonpay.cli.checks.check import State, skipped
    from neonpay.cli.checks.database import check_database
    from neonpay.cli.checks.owners import NAME as OWNERS
    from neonpay.cli.checks.owners import check_owners
    from neonpay.cli.checks.place import check_place
    from neonpay.cli.checks.telegram import Line, check_telegram, unasked
    from neonpay.core.clock import SystemClock

    looking = asyncio.ensure_future(
        check_database(at.database_url, bot_id=at.bot_id, timeout_s=timeout_s, bot_name=at.bot_name)
    )
    if at.token is None:
        told = unasked(fault, advice=f"set {TOKEN_VARIABLE} or give --token-file")
        told.append(skipped(OWNERS, "cannot be asked, see telegram.token"))
    else:
        line = Line(at.token, at.api_url, test_environment or at.test_environment, timeout_s)
        told = await check_telegram(line, expected=expected, clock=SystemClock())
        may_ask = all(check.state is State.OK for check in told[:2])  # the token, and its environment
        told.append(
            await check_owners(line, admins, SystemClock())
            if may_ask
            else skipped(OWNERS, "cannot be asked, see telegram.token")
        )
    database = [check_place(at.database_url), *await looking]
    hours = settings_from_environment({}).warn_after_hours
    backups = await check_backups(at.database_url, warn_after_hours=hours, clock=SystemClock(), timeout_s=timeout_s)
    return [*told, *database, *backups]


def _secrets(at: Where, secret_env: str | None) -> set[str]:
    """Texts that no line may show."""
    import sqlalchemy as sa

    found = {at.token or "", (at.token or "").partition(":")[2], os.environ.get(secret_env or "", "")}
    try:
        url = sa.make_url(at.database_url)
    except (sa.exc.ArgumentError, ValueError):
        return found
    return found | {str(url.password or "")}


def _without_secrets(checks: Iterable[Check], secrets: Iterable[str]) -> list[Check]:
    """The checks, with ``***`` wherever a library, a server or a driver has put a secret into its words."""

    def masked(text: str) -> str:
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= _SECRET_MIN_CHARS:
                text = text.replace(secret, "***")
        return text

    return [replace(check, finding=masked(check.finding), advice=masked(check.advice)) for check in checks]


def _with_what_was_typed(checks: Iterable[Check]) -> list[Check]:
    """The checks, in which each line to type has the options by which doctor itself was told what is meant."""
    return [replace(check, finding=runnable(check.finding), advice=runnable(check.advice)) for check in checks]


def _print(checks: list[Check]) -> None:
    from neonpay.cli.checks.check import State

    looked = [check for check in checks if check.state is not State.SKIPPED]
    columns = [
        Column(title="check"),
        Column(title="state", colours=_COLOURS),
        Column(title="what is", least=20, gives=1, folds=True),
    ]
    rows = [[check.name, check.state.value, check.finding] for check in looked]
    print_with_remarks(columns, rows, "what to do", [check.advice for check in looked], whole=True)
    typer.echo()
    reasons: dict[str, list[str]] = {}
    for check in checks:
        if check.state is State.SKIPPED:
            reasons.setdefault("; ".join(filter(None, (check.finding, check.advice))), []).append(check.name)
    for reason, names in reasons.items():
        say(shown(f"skipped: {', '.join(names)} – {reason}"))
    counts = {state: sum(check.state is state for check in checks) for state in (State.PROBLEM, State.WARNING)}
    typer.echo(f"{_number(counts[State.PROBLEM], 'problem')}, {_number(counts[State.WARNING], 'warning')}.")


def _number(count: int, noun: str) -> str:
    return counted(count, noun) if count else f"no {noun}s"
