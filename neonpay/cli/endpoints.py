"""``neonpay notifications endpoints``: programs that are told of the shop's events."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.asking import agreed
from neonpay.cli.columns import Column, id_chars, print_with_remarks, say
from neonpay.cli.counted import counted
from neonpay.cli.sheets import minute, print_json
from neonpay.cli.shop import (
    BotOption,
    DatabaseOption,
    JsonOption,
    errors_in_one_line,
    only_bot,
    read_ledger,
    run_in_shop,
    where,
    where_to_read,
)
from neonpay.core.clock import SystemClock, moment

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.core.jsontext import JsonValue
    from neonpay.ledger import Transaction
    from neonpay.notifications.channels import Endpoint
    from neonpay.notifications.log import LoggedAttempt

endpoints = typer.Typer(help="Programs that are told of the shop's events.", no_args_is_help=True)

EndpointArgument = Annotated[str, typer.Argument(help="Id of the endpoint, or as much of it as one alone has.")]
_CHARS = len("ep_") + 12
"""Characters of an endpoint's id that are always shown."""


@endpoints.command("list")
def list_endpoints(*, json: JsonOption = False, database: DatabaseOption = None, bot_id: BotOption = None) -> None:
    """List the endpoints, what each is told of, and what it answered last. Of their addresses there is the host alone."""
    from neonpay.notifications.endpoints import endpoints as read_endpoints
    from neonpay.notifications.log import last_answers

    def find(transaction: Transaction, bots: list[int]) -> tuple[list[Endpoint], dict[str, LoggedAttempt]]:
        bot = only_bot(transaction, bots)
        found = read_endpoints(transaction, bot)
        return found, last_answers(transaction, bot, [one.endpoint_id for one in found])

    with errors_in_one_line():
        found, answers = read_ledger(where_to_read(database, bot_id), find)
    if json:
        print_json([_json(one, answers.get(one.endpoint_id)) for one in found])
    elif found:
        _print(found, answers)
    else:
        say("No endpoints. Add one with: neonpay notifications endpoints add https://example.com/hook")


@endpoints.command()
def add(
    url: Annotated[str, typer.Argument(help="Where events are posted to.", metavar="URL")],
    *,
    events: Annotated[
        str, typer.Option(help="Names of the events that it is told of, with commas between; all when left out.")
    ] = "",
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Have a program told of what happens from now on, and print the secret by which it can tell that it is you."""
    from neonpay.notifications.declared import read_declared
    from neonpay.notifications.endpoints import EndpointBook

    wanted = [name.strip() for name in events.split(",") if name.strip()]

    async def work(shop: NeonPayCore) -> tuple[Endpoint, bool]:
        ledger, bot = shop.program.pipeline.ledger, shop.program.adapter.bot_id
        made = await EndpointBook(ledger, bot).add(
            url, events=wanted, token_bytes=secrets.token_bytes, now_us=SystemClock().now_us()
        )
        return made, await ledger.read(read_declared, bot) is not None

    with errors_in_one_line():
        made, has_teller = run_in_shop(where(database, bot_id), work)
    _tell_secret(made, json=json)
    if not has_teller and not json:
        say(
            "No program of this shop tells endpoints of events yet: write neonpay.use(Notifications()) in one, and start it."
        )


@endpoints.command()
def rotate(
    endpoint: EndpointArgument,
    *,
    keep_hours: Annotated[
        float, typer.Option(min=0, help="For so long the secret of before signs beside the new one.")
    ] = 24.0,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Give an endpoint a new secret, and print it."""
    from neonpay.notifications.endpoints import EndpointBook

    async def work(shop: NeonPayCore) -> Endpoint:
        book = EndpointBook(shop.program.pipeline.ledger, shop.program.adapter.bot_id)
        now_us = SystemClock().now_us()
        return await book.rotate(endpoint, token_bytes=secrets.token_bytes, now_us=now_us, keep_s=keep_hours * 3600)

    with errors_in_one_line():
        changed = run_in_shop(where(database, bot_id), work)
    _tell_secret(changed, json=json)


@endpoints.command()
def remove(
    endpoint: EndpointArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Have a program told no more; what waits for it is given up."""
    from neonpay.notifications.endpoints import endpoint_called, remove_endpoint

    with errors_in_one_line():
        at = where(database, bot_id)
        found = read_ledger(at, lambda tx, bots: endpoint_called(tx, only_bot(tx, bots), endpoint))
        agreed(f"Tell {found.endpoint_id} no more?", yes=yes)
        gone = run_in_shop(
            at,
            lambda shop: shop.program.pipeline.ledger.run(
                remove_endpoint, shop.program.adapter.bot_id, found.endpoint_id
            ),
        )
    if json:
        print_json({"endpoint_id": found.endpoint_id, "removed": gone})
    else:
        typer.echo(f"{found.endpoint_id} is told no more.")


@endpoints.command()
def resend(
    event_id: Annotated[
        str,
        typer.Argument(
            help="Id of the event, as event_id in its body, in exports and in neonpay notifications log ID."
        ),
    ],
    endpoint: EndpointArgument,
    *,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Tell one endpoint of one event once more, under the webhook-id that it had; the shop's program sends it."""
    from neonpay.notifications.endpoints import endpoint_called
    from neonpay.notifications.telling import tell_again

    def work(transaction: Transaction, bot: int) -> str:
        return tell_again(transaction, endpoint_called(transaction, bot, endpoint), bot, event_id)

    with errors_in_one_line():
        note_id = run_in_shop(
            where(database, bot_id), lambda shop: shop.program.pipeline.ledger.run(work, shop.program.adapter.bot_id)
        )
    if json:
        print_json({"event_id": event_id, "note_id": note_id})
    else:
        say(f"It waits, and goes out when a program of the shop runs; see: neonpay notifications log {note_id}")


def _tell_secret(endpoint: Endpoint, *, json: bool) -> None:
    if json:
        print_json({**_json(endpoint, None), "secret": endpoint.secret})
        return
    typer.echo(f"endpoint  {endpoint.endpoint_id}")
    typer.echo(f"events    {', '.join(endpoint.events) or 'all'}")
    typer.echo(f"secret    {endpoint.secret}")
    typer.echo()
    say("The secret is shown once. The program checks webhook-signature with it, as Standard Webhooks has it.")
    if endpoint.old_until_us > SystemClock().now_us():
        say(f"The secret of before signs beside it until {minute(moment(endpoint.old_until_us))} UTC.")


def _print(found: list[Endpoint], answers: dict[str, LoggedAttempt]) -> None:
    from neonpay.notifications.masking import shown_address

    ids = [one.endpoint_id for one in found]
    columns = [
        Column(title="id", least=id_chars(ids, least=_CHARS) + 1, gives=1),
        Column(title="address", least=24, gives=2),
        Column(title="events", least=12, gives=3),
        Column(title="since (UTC)"),
    ]
    rows = [
        [one.endpoint_id, shown_address(one.url), ", ".join(one.events) or "all", minute(moment(one.made_at_us))]
        for one in found
    ]
    print_with_remarks(columns, rows, "last answer", [_answer(answers.get(one.endpoint_id)) for one in found])
    typer.echo()
    typer.echo(counted(len(found), "endpoint"))


def _answer(last: LoggedAttempt | None) -> str:
    if last is None:
        return "nothing was posted to it"
    return f"{minute(last.at)}: {last.error or 'taken'}"


def _json(endpoint: Endpoint, last: LoggedAttempt | None) -> dict[str, JsonValue]:
    from neonpay.notifications.masking import shown_address

    answer: JsonValue = None if last is None else {"at": last.at.isoformat(), "error": last.error}
    return {
        "endpoint_id": endpoint.endpoint_id,
        "address": shown_address(endpoint.url),
        "events": list(endpoint.events),
        "version": endpoint.version,
        "is_on": endpoint.is_on,
        "since": moment(endpoint.made_at_us).isoformat(),
        "last_answer": answer,
    }
