"""``neonpay handlers``: who delivers in a shop, over all of its programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.columns import Column, print_table
from neonpay.cli.counted import counted
from neonpay.cli.sheets import minute, print_json
from neonpay.cli.shop import (
    AllBotsOption,
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
from neonpay.core.jsontext import JsonValue
from neonpay.errors import PaymentError

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.ledger import Transaction
    from neonpay.payments.consumers.registry import Consumer

handlers = typer.Typer(help="Who delivers in the shop, over all of its programs.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Its name, or what jobs call it, such as on_refund:revoke.")]


@handlers.command("list")
def list_handlers(
    *,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    all_bots: AllBotsOption = False,
) -> None:
    """List the handlers that programs of the shop have declared, and when a program that has them was last heard of."""
    with errors_in_one_line():
        found = read_ledger(where_to_read(database, bot_id, all_bots=all_bots), _declared)
    rows = [(bot, consumer) for bot, declared in found.items() for consumer in declared]
    if json:
        print_json([_json(bot, consumer) for bot, consumer in rows])
    elif rows:
        _print(rows, with_bot=len(found) > 1)
    else:
        typer.echo("No program of this shop has declared a handler.")


@handlers.command()
def retire(
    name: NameArgument,
    *,
    drop: Annotated[bool, typer.Option("--drop", help="End what waits for it undelivered.")] = False,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Give a handler no more payments. A program that declares it again takes that back."""

    async def work(shop: NeonPayCore) -> int:
        known = await shop.handlers.list()
        if any(_is_named(one, name) and one.retired_at is not None for one in known):
            msg = f"{name} gets no payments already, and nothing was changed; who gets some: {_active(known)}"
            raise PaymentError(msg)
        return await shop.handlers.retire(name, drop=drop)

    with errors_in_one_line():
        at = where(database, bot_id)
        _refuse_undeclared(at, name)
        dropped = run_in_shop(at, work)
    if json:
        print_json({"retired": name, "dropped_jobs": dropped})
        return
    what = (
        f"; {counted(dropped, 'job that waited for it was', 'jobs that waited for it were')} dropped."
        if dropped
        else "."
    )
    typer.echo(f"{name} gets no more payments{what}")


@handlers.command()
def rename(
    old: NameArgument,
    new: Annotated[str, typer.Argument(help="A handler that a program of the shop has declared.")],
    *,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Have NEW deliver what waits for OLD, which gets no more payments."""

    async def work(shop: NeonPayCore) -> int:
        known = await shop.handlers.list()
        for one in known:
            if _is_named(one, old) and one.renamed_to is not None and new in _names(one.renamed_to):
                msg = f"{new} has the place of {old} already, and nothing was changed; who gets payments: {_active(known)}"
                raise PaymentError(msg)
        return await shop.handlers.rename(old, new)

    with errors_in_one_line():
        at = where(database, bot_id)
        _refuse_undeclared(at, old, new)
        moved = run_in_shop(at, work)
    if json:
        print_json({"renamed": old, "to": new, "moved_jobs": moved})
    else:
        typer.echo(f"{new} takes the place of {old}; {counted(moved, 'job was', 'jobs were')} moved.")


def _declared(transaction: Transaction, bots: list[int]) -> dict[int, list[Consumer]]:
    from neonpay.payments.consumers.registry import read_consumers

    return {bot_id: read_consumers(transaction, bot_id) for bot_id in bots}


def _refuse_undeclared(at: Where, *names: str) -> None:
    """Raise PaymentError when a name is no handler's of any bot that may be meant; the message has those that there are."""
    known = {one.consumer for declared in read_ledger(at, _declared).values() for one in declared}
    for name in names:
        if not any(name in _names(consumer) for consumer in known):
            msg = f"no handler {name!r} was ever declared; there are: {', '.join(sorted(known)) or 'none'}"
            raise PaymentError(msg)


def _names(consumer: str) -> set[str]:
    return {consumer, consumer.removeprefix("handler:")}


def _is_named(consumer: Consumer, name: str) -> bool:
    return name in _names(consumer.consumer)


def _active(known: list[Consumer]) -> str:
    return ", ".join(one.consumer for one in known if one.retired_at is None) or "nobody"


def _print(rows: list[tuple[int, Consumer]], *, with_bot: bool) -> None:
    columns = [
        *([Column(title="bot")] if with_bot else []),
        Column(title="handler", least=16, gives=2),
        Column(title="stages", least=10, gives=1),
        Column(title="state", least=26, gives=3),
    ]
    table = []
    for bot_id, one in rows:
        stages = "all stages" if one.stage_ids is None else ", ".join(sorted(one.stage_ids))
        table.append([*([str(bot_id)] if with_bot else []), one.consumer, stages, _standing(one)])
    print_table(columns, table)


def _standing(consumer: Consumer) -> str:
    if consumer.renamed_to is not None:
        return f"renamed to {consumer.renamed_to}"
    if consumer.retired_at is not None:
        return f"retired {minute(consumer.retired_at)} UTC"
    return f"last seen {minute(consumer.seen_at)} UTC"


def _json(bot_id: int, consumer: Consumer) -> dict[str, JsonValue]:
    times: dict[str, JsonValue] = {
        name: None if at is None else at.isoformat()
        for name, at in (
            ("since", consumer.since),
            ("seen_at", consumer.seen_at),
            ("retired_at", consumer.retired_at),
        )
    }
    stages = None if consumer.stage_ids is None else sorted(consumer.stage_ids)
    named: dict[str, JsonValue] = {
        "bot_id": bot_id,
        "consumer": consumer.consumer,
        "kind": consumer.kind.value,
        "stages": stages,
    }
    return {**named, **times, "renamed_to": consumer.renamed_to}
