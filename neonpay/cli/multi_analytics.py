"""``neonpay multi-analytics``: all bots of a ledger together, and each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

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
from neonpay.cli.sheets import minute
from neonpay.cli.shop import DatabaseOption, JsonOption, Where, core_settings, errors_in_one_line, read_ledger
from neonpay.cli.spans import UntilTyped, ZoneOption
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from neonpay.analytics.managers.asked import Asked
    from neonpay.analytics.managers.network_figures import NetworkReport
    from neonpay.analytics.managers.roster import KnownBot, Roster
    from neonpay.analytics.managers.shapes import BotAnalytics
    from neonpay.ledger import Transaction

T = TypeVar("T")
_SOURCES: Final = {"ledger": "the ledger", "events": "what is told"}

multi_analytics = typer.Typer(help="How all bots of a ledger do together, and each of them.", no_args_is_help=True)


@multi_analytics.command("network")
def network(
    *,
    period: PeriodOption = "30days",
    format: FormatOption = None,  # noqa: A002  # the option's name
    output: OutputOption = None,
    until: UntilTyped = None,
    zone: ZoneOption = "UTC",
    json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show what all bots bring, each bot's share, and what sells best; people count once, whichever bots they use."""
    with errors_in_one_line():
        shape = chosen_shape(format, json=json, otherwise=Shape.TABLE)
        found = _network(asked_typed(period, zone, until), database)
        with written_to(output):
            _show_network(found, shape)


@multi_analytics.command("bot")
def bot(
    bot_id: Annotated[
        str, typer.Argument(help="The bot: its id, its @username, or the word or name it is registered by.")
    ],
    *,
    period: PeriodOption = "30days",
    format: FormatOption = None,  # noqa: A002  # the option's name
    output: OutputOption = None,
    until: UntilTyped = None,
    zone: ZoneOption = "UTC",
    json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show how one bot does: its events, people, revenue and products."""
    with errors_in_one_line():
        shape = chosen_shape(format, json=json, otherwise=Shape.TABLE)
        asked = asked_typed(period, zone, until)
        found = _bot(bot_id, asked, database)
        with written_to(output):
            if shape is Shape.TABLE:
                _print_bot(found, asked)
            else:
                from dataclasses import asdict

                from neonpay.cli.figured import print_report

                users = [{"user_id": user, **told} for user, told in found.user_activity.items()]
                print_report({"period": asked.as_json(), "bot": {**asdict(found), "user_activity": users}}, shape)


@multi_analytics.command("export")
def export(
    *,
    format: FormatOption = None,  # noqa: A002  # the option's name
    period: PeriodOption = "30days",
    output: OutputOption = None,
    until: UntilTyped = None,
    zone: ZoneOption = "UTC",
    json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Write the report of all bots for programs: JSON, when no --format says otherwise."""
    with errors_in_one_line():
        shape = chosen_shape(format, json=json, otherwise=Shape.JSON)
        if shape is Shape.TABLE:
            msg = "an export is json or csv; for a table type neonpay multi-analytics network"
            raise ConfigurationError(msg)
        found = _network(asked_typed(period, zone, until), database)
        with written_to(output):
            _show_network(found, shape)


@multi_analytics.command("status")
def status(*, json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List the bots that reports know, where their figures come from, and when something was heard of each last."""
    with errors_in_one_line():
        found = _network(asked_typed("30days", "UTC"), database)
    if json:
        from neonpay.cli.sheets import print_json

        print_json(
            [
                {
                    "bot_id": one.bot_id,
                    "bot_name": one.bot_name,
                    "source": one.source,
                    "events_30_days": one.total_events,
                    "last_activity": one.last_activity,
                }
                for one in found.bots.values()
            ]
        )
    else:
        _print_status(found)


def _network(asked: Asked, database: str | None) -> NetworkReport:
    from neonpay.analytics.managers.network_figures import network_report

    return _read(database, lambda transaction, known: network_report(transaction, known, asked))


def _bot(word: str, asked: Asked, database: str | None) -> BotAnalytics:
    from neonpay.analytics.managers.network_figures import bot_analytics

    def unit(transaction: Transaction, known: Roster) -> BotAnalytics:
        found = known.find(word)
        if found is None:
            has = ", ".join(_called(one) for one in known.bots.values())
            msg = f"there is no bot {word!r}; there are: {has}"
            raise ConfigurationError(msg)
        return bot_analytics(transaction, known, asked, found)

    return _read(database, unit)


def _read(database: str | None, unit: Callable[[Transaction, Roster], T]) -> T:
    from neonpay.analytics.managers.roster import roster

    def work(transaction: Transaction, _: list[int]) -> T:
        known = roster(transaction)
        if not known.bots:
            msg = "the ledger has no bot yet; start the bot once"
            raise ConfigurationError(msg)
        return unit(transaction, known)

    return read_ledger(Where(core_settings(database, None).database_url, None), work)


def _called(bot: KnownBot) -> str:
    return bot.bot_id if bot.name == bot.bot_id else f"{bot.bot_id} ({bot.name})"


def _show_network(found: NetworkReport, shape: Shape) -> None:
    if shape is Shape.TABLE:
        _print_network(found)
    else:
        from neonpay.cli.figured import print_report

        print_report(found.as_json(), shape)


def _print_network(found: NetworkReport) -> None:
    from neonpay.cli.columns import Column, print_table
    from neonpay.cli.counted import counted
    from neonpay.cli.figured import per_hundred
    from neonpay.cli.sheets import print_facts
    from neonpay.cli.spans import words_of

    network = found.network
    typer.echo(f"{counted(network.total_bots, 'bot')}, {words_of(found.asked.period)}")
    typer.echo()
    print_facts(
        {
            "revenue": f"{network.total_revenue:,} Stars",
            "transactions": f"{network.total_transactions:,}",
            "people": f"{network.total_users:,}",
            "conversion": per_hundred(network.network_conversion_rate) if network.total_users else "–",
            "events": f"{network.total_events:,}",
        }
    )
    typer.echo()
    order = [str(one["bot_id"]) for one in network.top_performing_bots]
    columns = [
        Column(title="bot", least=8, gives=1),
        Column(title="name", least=8),
        Column(title="events", is_number=True, may_go=True),
        Column(title="people", is_number=True, may_go=True),
        Column(title="sales", is_number=True),
        Column(title="conversion", is_number=True, may_go=True),
        Column(title="revenue", is_number=True),
    ]
    print_table(columns, [_row(found.bots[bot_id]) for bot_id in order])
    _print_products({str(one["product_id"]): int(str(one["revenue"])) for one in network.top_products})


def _row(one: BotAnalytics) -> list[str]:
    from neonpay.cli.figured import per_hundred

    return [
        one.bot_id,
        "" if one.bot_name == one.bot_id else one.bot_name,
        f"{one.total_events:,}",
        f"{one.total_users:,}",
        f"{one.total_transactions:,}",
        per_hundred(one.conversion_rate),
        f"{one.total_revenue:,}".replace("-", "−"),
    ]


def _print_bot(found: BotAnalytics, asked: Asked) -> None:
    from neonpay.cli.columns import Column, print_table, shown
    from neonpay.cli.figured import per_hundred
    from neonpay.cli.sheets import print_facts
    from neonpay.cli.spans import words_of

    named = "" if found.bot_name == found.bot_id else f" ({found.bot_name})"
    typer.echo(f"{shown(f'Bot {found.bot_id}{named}')}, {words_of(asked.period)}")
    typer.echo()
    print_facts(
        {
            "revenue": f"{found.total_revenue:,} Stars",
            "transactions": f"{found.total_transactions:,}",
            "people": f"{found.total_users:,}",
            "conversion": per_hundred(found.conversion_rate) if found.total_users else "–",
            "last activity": _when(found.last_activity),
            "money from": _SOURCES[found.source],
        }
    )
    if found.events_by_type:
        columns = [Column(title="event", least=10, gives=1), Column(title="times", is_number=True)]
        typer.echo()
        print_table(columns, [[kind, f"{number:,}"] for kind, number in found.events_by_type.items()])
    _print_products(found.revenue_by_product)


def _print_products(products: Mapping[str, int]) -> None:
    from neonpay.cli.columns import Column, print_table

    if products:
        columns = [Column(title="product", least=10, gives=1), Column(title="revenue", is_number=True)]
        typer.echo()
        print_table(columns, [[key or "unknown", f"{stars:,}".replace("-", "−")] for key, stars in products.items()])


def _print_status(found: NetworkReport) -> None:
    from neonpay.cli.columns import Column, print_table
    from neonpay.cli.counted import counted

    columns = [
        Column(title="bot", least=8, gives=1),
        Column(title="name", least=8),
        Column(title="money from", may_go=True),
        Column(title="events in 30 days", is_number=True),
        Column(title="last (UTC)"),
    ]
    rows = [
        [
            one.bot_id,
            "" if one.bot_name == one.bot_id else one.bot_name,
            _SOURCES[one.source],
            f"{one.total_events:,}",
            _when(one.last_activity),
        ]
        for one in found.bots.values()
    ]
    print_table(columns, rows)
    typer.echo()
    typer.echo(counted(len(rows), "bot"))


def _when(last: float | None) -> str:
    return "–" if last is None else minute(datetime.fromtimestamp(last, UTC))
