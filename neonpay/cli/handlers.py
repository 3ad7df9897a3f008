"""``neonpay handlers``: who delivers in a shop, over all of its programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.sheets import print_json
from neonpay.cli.shop import BotOption, DatabaseOption, JsonOption, errors_in_one_line, run_in_shop, where
from neonpay.core.jsontext import JsonValue

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.payments.consumers.registry import Consumer

handlers = typer.Typer(help="Who delivers in the shop, over all of its programs.", no_args_is_help=True)

_TIME = "%Y-%m-%d %H:%M"
NameArgument = Annotated[str, typer.Argument(help="Its name, or what jobs call it, such as on_refund:revoke.")]


@handlers.command("list")
def list_handlers(*, json: JsonOption = False, database: DatabaseOption = None, bot_id: BotOption = None) -> None:
    """List the handlers that programs of the shop have declared, and when a program that has them was last heard of."""

    async def find(shop: NeonPayCore) -> list[Consumer]:
        return await shop.handlers.list()

    with errors_in_one_line():
        found = run_in_shop(where(database, bot_id), find)
    if json:
        print_json([_json(consumer) for consumer in found])
    elif found:
        for consumer in found:
            typer.echo(_line(consumer))
    else:
        typer.echo("No program of this shop has declared a handler.")


@handlers.command()
def retire(
    name: NameArgument,
    *,
    drop: Annotated[bool, typer.Option("--drop", help="End what waits for it undelivered.")] = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Give a handler no more payments. A program that declares it again takes that back."""

    async def work(shop: NeonPayCore) -> int:
        return await shop.handlers.retire(name, drop=drop)

    with errors_in_one_line():
        dropped = run_in_shop(where(database, bot_id), work)
    typer.echo(f"{name} gets no more payments" + (f"; {dropped} of its jobs were dropped." if dropped else "."))


@handlers.command()
def rename(
    old: NameArgument,
    new: Annotated[str, typer.Argument(help="A handler that a program of the shop has declared.")],
    *,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Have NEW deliver what waits for OLD, which gets no more payments."""

    async def work(shop: NeonPayCore) -> int:
        return await shop.handlers.rename(old, new)

    with errors_in_one_line():
        moved = run_in_shop(where(database, bot_id), work)
    typer.echo(f"{new} takes the place of {old}; jobs that were moved: {moved}")


def _line(consumer: Consumer) -> str:
    stages = "all stages" if consumer.stage_ids is None else ", ".join(sorted(consumer.stage_ids))
    return f"{consumer.consumer}  {stages}  {_standing(consumer)}"


def _standing(consumer: Consumer) -> str:
    if consumer.renamed_to is not None:
        return f"renamed to {consumer.renamed_to}"
    if consumer.retired_at is not None:
        return f"retired {consumer.retired_at:{_TIME}} UTC"
    return f"last seen {consumer.seen_at:{_TIME}} UTC"


def _json(consumer: Consumer) -> dict[str, JsonValue]:
    times: dict[str, JsonValue] = {
        name: None if at is None else at.isoformat()
        for name, at in (
            ("since", consumer.since),
            ("seen_at", consumer.seen_at),
            ("retired_at", consumer.retired_at),
        )
    }
    stages = None if consumer.stage_ids is None else sorted(consumer.stage_ids)
    named: dict[str, JsonValue] = {"consumer": consumer.consumer, "kind": consumer.kind.value, "stages": stages}
    return {**named, **times, "renamed_to": consumer.renamed_to}
