"""``neonpay analytics``: revenue, conversion, products and people of a shop in one report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.figured import (
    FormatOption,
    OutputOption,
    PeriodOption,
    Shape,
    asked_typed,
    chosen_shape,
    written_to,
)
from neonpay.cli.shop import (
    AllBotsOption,
    BotOption,
    DatabaseOption,
    JsonOption,
    errors_in_one_line,
    read_ledger,
    where_to_read,
)
from neonpay.cli.spans import UntilTyped, ZoneOption
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from neonpay.analytics.managers.asked import Asked
    from neonpay.analytics.managers.dashboard import Dashboard
    from neonpay.cli.typed import TypedBot
    from neonpay.ledger import Transaction


def analytics(
    *,
    period: PeriodOption = "30days",
    format: FormatOption = None,  # noqa: A002  # the option's name
    output: OutputOption = None,
    summary: Annotated[bool, typer.Option("--summary", help="The totals alone.")] = False,
    export: Annotated[
        bool, typer.Option("--export", help="All of it for programs: JSON, when no --format says otherwise.")
    ] = False,
    start_dashboard: Annotated[
        bool, typer.Option("--start-dashboard", help="Serve the dashboard instead, and take what bots send to it.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the dashboard; 0 picks a free one.")] = 8081,
    until: UntilTyped = None,
    zone: ZoneOption = "UTC",
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    all_bots: AllBotsOption = False,
) -> None:
    """Show what was sold, how many of those who came have bought, and how each product does; all bots of the ledger.

    Money is that of `neonpay revenue`: Stars that were paid, less what of these very payments went back. People count once.
    """
    if start_dashboard:
        with errors_in_one_line():
            if summary or export or json or format is not None or output is not None:
                msg = "--start-dashboard serves until Ctrl-C and writes no report; leave it out for one"
                raise ConfigurationError(msg)
        _serve(port, database, bot_id)
        return
    with errors_in_one_line():
        shape = chosen_shape(format, json=json, otherwise=Shape.JSON if export else Shape.TABLE)
        if export and shape is Shape.TABLE:
            msg = "--export is for programs; give it --format json or csv, or leave it out for a table"
            raise ConfigurationError(msg)
        asked = asked_typed(period, zone, until)
        found, bots = _read(asked, database, bot_id, all_bots=all_bots)
        with written_to(output):
            _show(found, bots, shape, is_summary=summary)


def _read(asked: Asked, database: str | None, bot: TypedBot | None, *, all_bots: bool) -> tuple[Dashboard, str]:
    from neonpay.analytics.managers.dashboard import dashboard
    from neonpay.analytics.managers.roster import roster
    from neonpay.analytics.managers.sides import Sides

    at = where_to_read(database, bot, all_bots=all_bots)
    is_named = at.bot_id is not None or bool(at.bot_name)

    def unit(transaction: Transaction, meant: list[int]) -> tuple[Dashboard, str]:
        sides = Sides(tuple(meant)) if is_named else roster(transaction).sides
        if not sides.all:
            msg = "the ledger has no bot yet; start the bot once"
            raise ConfigurationError(msg)
        whose = f"bot {sides.all[0]}" if len(sides.all) == 1 else f"{len(sides.all)} bots"
        return dashboard(transaction, sides, asked), whose

    return read_ledger(at, unit)


def _show(found: Dashboard, whose: str, shape: Shape, *, is_summary: bool) -> None:
    from neonpay.cli.figured import print_report

    if shape is Shape.TABLE:
        _print(found, whose, is_summary=is_summary)
    else:
        print_report(found.totals_as_json() if is_summary else found.as_json(), shape)


def _print(found: Dashboard, whose: str, *, is_summary: bool) -> None:
    from neonpay.cli.figured import per_hundred
    from neonpay.cli.sheets import print_facts
    from neonpay.cli.spans import words_of

    revenue, conversion, users = found.revenue, found.conversion, found.users
    typer.echo(f"{whose[0].upper()}{whose[1:]}, {words_of(found.asked.period)}")
    typer.echo()
    print_facts(
        {
            "revenue": f"{revenue.total_revenue:,} Stars",
            "went back": f"{revenue.refunded:,} Stars",
            "transactions": f"{revenue.total_transactions:,}",
            "average": f"{revenue.average_transaction:,.1f} Stars" if revenue.total_transactions else "–",
            "visitors": f"{conversion.total_visitors:,}",
            "purchases": f"{conversion.total_purchases:,}",
            "conversion": per_hundred(conversion.conversion_rate) if conversion.total_visitors else "–",
            "active people": f"{users['total_active_users']:,}",
            "new": f"{users['new_users']:,}",
            "came again": f"{users['returning_users']:,}",
        }
    )
    if is_summary:
        return
    _print_steps(found)
    _print_products(found)


def _print_steps(found: Dashboard) -> None:
    from neonpay.cli.bars import bar
    from neonpay.cli.columns import Column, print_table, room_for, terminal_width

    steps = found.conversion.funnel_steps
    most = max(steps.values(), default=0)
    if not most:
        return
    columns = [Column(title="people came as far as", least=12, gives=1), Column(title="people", is_number=True)]
    rows = [[step, f"{people:,}"] for step, people in steps.items()]
    width = terminal_width()
    room = 0 if width is None else min(40, room_for(columns, rows, width))
    if room:
        columns.append(Column(title=""))
        for row, people in zip(rows, steps.values(), strict=True):
            row.append(bar(people, most, room))
    typer.echo()
    print_table(columns, rows)


def _print_products(found: Dashboard) -> None:
    from neonpay.cli.columns import Column, print_table
    from neonpay.cli.figured import per_hundred

    typer.echo()
    if not found.products:
        typer.echo("Nothing was looked at, offered or sold in this time.")
        return
    columns = [
        Column(title="product", least=10, gives=1),
        Column(title="title", least=5, gives=0, may_go=True),
        Column(title="views", is_number=True, may_go=True),
        Column(title="sales", is_number=True),
        Column(title="conversion", is_number=True, may_go=True),
        Column(title="revenue", is_number=True),
    ]
    rows = [
        [
            one.product_id or "unknown",
            "" if one.product_name == one.product_id else one.product_name,
            f"{one.views:,}",
            f"{one.total_sales:,}",
            per_hundred(one.conversion_rate),
            f"{one.total_revenue:,}".replace("-", "−"),
        ]
        for one in found.products
    ]
    print_table(columns, rows)


def _serve(port: int, database: str | None, bot: TypedBot | None) -> None:
    from neonpay.cli.dashboard import open_dashboard

    open_dashboard(host="127.0.0.1", port=port, takes_events=True, database=database, bot=bot)
