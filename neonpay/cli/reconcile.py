"""``neonpay reconcile``: compare the ledger with Telegram's own list."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from neonpay.cli.columns import cut, id_chars, say, terminal_width
from neonpay.cli.counted import counted
from neonpay.cli.exit_codes import FOUND
from neonpay.cli.sheets import print_facts, print_json
from neonpay.cli.shop import (
    ApiOption,
    BotOption,
    DatabaseOption,
    JsonOption,
    TokenFileOption,
    errors_in_one_line,
    run_in_shop,
    where,
)
from neonpay.core.reports import ReconcileReport


def reconcile(
    *,
    afresh: Annotated[bool, typer.Option("--afresh", help="Read the whole list, and not only what is new.")] = False,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    token_file: TokenFileOption = None,
    api_url: ApiOption = None,
) -> None:
    """Compare the ledger with Telegram's list of transactions and the balance, and record what is missing.

    The running bot delivers what was found. Exit code 1 when something is left that nobody can explain.
    """
    with errors_in_one_line():
        at = where(database, bot_id, token_file=token_file, api_url=api_url)
        report = run_in_shop(at, lambda shop: shop.books.reconcile(afresh=afresh))
    if json:
        print_json({name: _plain(value) for name, value in asdict(report).items()})
    else:
        _print(report)
    if not _is_explained(report):
        raise typer.Exit(FOUND)


def _is_explained(report: ReconcileReport) -> bool:
    """Whether nothing is left to explain; payments that may still come as updates are nothing strange."""
    drifted = report.drift_stars or report.drift_nanostars
    return report.is_complete and not (report.unexplained or report.unreadable or report.failed or drifted)


def _print(report: ReconcileReport) -> None:
    facts = {
        "transactions checked": str(report.checked),
        "payments recovered": f"{report.recovered:,}, of which {_needing(report.needs_attention)} attention",
        "sold by another ledger": str(report.sold_elsewhere),
        "refunds noted": str(report.refunded),
        "not neonpay's": str(report.foreign),
        "other movements": str(report.moved),
        "may still come": str(report.waiting),
        "unreadable": str(report.unreadable),
        "failed": f"{report.failed}, whose errors the log has" if report.failed else "0",
        "unexplained": str(report.unexplained),
        "balance": "not compared" if report.balance_stars is None else counted(report.balance_stars, "Star"),
        "drift": f"{_signed(report.drift_stars, 'Star')}, {_signed(report.drift_nanostars, 'nanostar')}",
    }
    print_facts(facts)
    if report.sold_elsewhere:
        say(
            "Another ledger has sold what this one does not know, and delivered it most likely. Do not refund it: give that "
            "ledger's URL as --database, and to the bot."
        )
    chars = None if terminal_width() is None else id_chars(report.unexplained_charges) + 1
    for charge_id in report.unexplained_charges:
        typer.echo(f"Telegram's list does not have {cut(charge_id, chars)}")
    if not report.is_complete:
        say("The list was not read to its end; the next comparison goes on from there.")


def _needing(count: int) -> str:
    return "1 needs" if count == 1 else f"{count:,} need"


def _signed(number: int, noun: str) -> str:
    return f"{number:+,} {noun if abs(number) == 1 else f'{noun}s'}"


def _plain(value: str | int | bool | datetime | tuple[str, ...] | None) -> str | int | bool | list[str] | None:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
