"""``neonpay invoices``: what was offered to whom, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.columns import Column, id_chars, print_table
from neonpay.cli.counted import Total, of_total
from neonpay.cli.sheets import LEAST_BESIDE_BOT, iso_or_none, minute, print_json
from neonpay.cli.shop import (
    AllBotsOption,
    BotOption,
    DatabaseOption,
    JsonOption,
    SinceOption,
    UntilOption,
    UserOption,
    errors_in_one_line,
    read_ledger,
    where_to_read,
)
from neonpay.cli.typed import LimitOption
from neonpay.core.charge_ids import SHORT_CHARS
from neonpay.core.payments import InvoiceState

if TYPE_CHECKING:
    from neonpay.cli.reading.invoices import ListedInvoice
    from neonpay.core.jsontext import JsonValue
    from neonpay.ledger import Transaction

invoices = typer.Typer(help="What was offered to whom, and what became of it.", no_args_is_help=True)


@invoices.callback()
def _has_commands() -> None:
    """Keep ``list`` a command, although it is the only one."""


@invoices.command("list")
def list_invoices(
    *,
    state: Annotated[InvoiceState | None, typer.Option(help="Only invoices in this state.")] = None,
    user: UserOption = None,
    stage: Annotated[str | None, typer.Option(help="Only invoices of this stage id.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    paid: Annotated[
        bool | None, typer.Option("--paid/--unpaid", help="Only invoices that have been paid, or that have not.")
    ] = None,
    limit: LimitOption = 100,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    all_bots: AllBotsOption = False,
) -> None:
    """List invoices, newest first; --user has those that this user alone may pay."""
    from neonpay.cli.reading.invoices import read_invoices
    from neonpay.cli.reading.people import user_id_of
    from neonpay.cli.reading.stages import offered_stages
    from neonpay.payments.namespaces.asked import named
    from neonpay.store.invoice_filter import InvoiceSelection

    selection = InvoiceSelection(
        state=state, stage_id=named("stage_id", stage), since=since, until=until, has_payments=paid
    )

    def find(transaction: Transaction, bots: list[int]) -> tuple[list[ListedInvoice], Total, list[str], bool]:
        whose = replace(selection, user_id=user_id_of(transaction, bots, user))
        found, total = read_invoices(transaction, bots, whose, limit)
        return found, total, [] if found else offered_stages(transaction, bots), len(bots) > 1

    with errors_in_one_line():
        found, total, stages, has_several = read_ledger(where_to_read(database, bot_id, all_bots=all_bots), find)
    if json:
        print_json([_json(one) for one in found])
    elif found:
        _print(found, total, with_bot=has_several)
    else:
        typer.echo(f"No such invoices. Stages that were offered: {', '.join(stages) or 'none'}.")


def _print(found: list[ListedInvoice], total: Total, *, with_bot: bool) -> None:
    ids = [one.invoice.invoice_id for one in found]
    columns = [
        Column(title="made (UTC)"),
        *([Column(title="bot")] if with_bot else []),
        Column(title="user"),
        Column(title="stage", least=5, gives=2),
        Column(title="Stars", is_number=True),
        Column(title="state"),
        Column(title="paid", is_number=True),
        Column(
            title="invoice id", least=id_chars(ids, least=LEAST_BESIDE_BOT if with_bot else SHORT_CHARS) + 1, gives=1
        ),
    ]
    rows = [
        [
            minute(one.invoice.created_at),
            *([str(one.invoice.bot_id)] if with_bot else []),
            "anyone" if one.invoice.user_id is None else str(one.invoice.user_id),
            one.invoice.stage_id,
            f"{one.invoice.price_stars:,}",
            one.state.value,
            f"{one.invoice.payments_count:,}×",
            one.invoice.invoice_id,
        ]
        for one in found
    ]
    print_table(columns, rows)
    typer.echo()
    typer.echo(of_total(len(found), total, "invoice"))


def _json(one: ListedInvoice) -> dict[str, JsonValue]:
    """An invoice as JSON; the signed payload is left out."""
    invoice = one.invoice
    return {
        "bot_id": invoice.bot_id,
        "invoice_id": invoice.invoice_id,
        "created_at": invoice.created_at.isoformat(),
        "expires_at": iso_or_none(invoice.expires_at),
        "user_id": invoice.user_id,
        "stage_id": invoice.stage_id,
        "stage_version": invoice.stage_version,
        "title": invoice.title,
        "price_stars": invoice.price_stars,
        "state": one.state.value,
        "payments_count": invoice.payments_count,
        "chat_id": invoice.chat_id,
        "message_id": invoice.message_id,
        "link": invoice.link,
        "metadata": invoice.metadata,
    }
