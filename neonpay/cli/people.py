"""``neonpay people``: what is kept about one person."""

from __future__ import annotations

import json as plain_json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.asking import agreed
from neonpay.cli.export import private_file
from neonpay.cli.sheets import print_json
from neonpay.cli.shop import (
    BotOption,
    DatabaseOption,
    JsonOption,
    Where,
    errors_in_one_line,
    read_ledger,
    run_in_shop,
    where,
    where_to_read,
)
from neonpay.cli.typed import TypedUser, user_typed

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.payments.erasure import Erased

people = typer.Typer(help="What is kept about one person: give it out, or remove it.", no_args_is_help=True)

PersonArgument = Annotated[
    TypedUser, typer.Argument(parser=user_typed, metavar="USER", help="User id, or @username as it was last seen.")
]
_NAMED = {
    "names": "names",
    "languages": "payments whose language is gone",
    "first_touch": "source",
    "notes": "notes on payments",
    "unsent_request": "words of a request that was not sent",
    "refund_requests": "requests for refunds whose words are gone",
    "refunds": "refunds whose reason is gone",
    "facts": "facts whose words are gone",
    "acts": "acts on the dashboard whose words are gone",
    "soft_events": "soft events",
    "notifications": "messages about them or to them",
    "waiting_events": "events that waited to be sent to a centre",
}


@people.command()
def export(
    user: PersonArgument,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, readable by you alone; standard output when left out."),
    ] = None,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Write everything that the ledger has about a person, as JSON."""
    with errors_in_one_line():
        at = where_to_read(database, bot_id)
        user_id = _user_id(at, user)
        found = run_in_shop(at, lambda shop: shop.people.export(user_id), only_reads=True)
        if output is None:
            print_json(found)
            return
        with private_file(output) as file:
            file.write(f"{plain_json.dumps(found, ensure_ascii=False, indent=2)}\n")
    typer.echo(f"What the ledger has about user {found['user_id']} is in {output}.", err=True)


@people.command()
def erase(
    user: PersonArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Remove what is kept about a person beside the books, which stay as they are, with the bare user id."""

    async def work(shop: NeonPayCore) -> Erased:
        agreed(f"Remove what bot {shop.program.adapter.bot_id} keeps about user {user_id}, for good?", yes=yes)
        return await shop.people.erase(user_id)

    with errors_in_one_line():
        at = where(database, bot_id)
        user_id = _user_id(at, user)
        erased = run_in_shop(at, work)
    if json:
        lists = {"kept": list(erased.kept), "to_do": list(erased.to_do)}
        print_json({"user_id": erased.user_id, "removed": dict(erased.removed), **lists})
        return
    what = ", ".join(f"{count} {_NAMED.get(name, name)}" for name, count in erased.removed.items())
    typer.echo(
        f"Removed of user {erased.user_id}: {what}." if what else f"Nothing is kept about user {erased.user_id}."
    )
    for each in erased.to_do:
        typer.echo(f"Still to be done: {each}.")
    if erased.kept:
        typer.echo(f"Rows that their extensions do not remove are in: {', '.join(erased.kept)}.", err=True)


def _user_id(at: Where, user: TypedUser) -> int:
    from neonpay.cli.reading.people import user_id_of

    found = read_ledger(at, lambda transaction, bots: user_id_of(transaction, bots, user))
    assert found is not None, "somebody was typed"
    return found
