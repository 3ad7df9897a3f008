"""``neonpay report``: the short account of a period, in words."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.columns import say
from neonpay.cli.counted import counted, percent
from neonpay.cli.shop import (
    AllBotsOption,
    BotOption,
    DatabaseOption,
    JsonOption,
    errors_in_one_line,
    run_reports,
    where_to_read,
)
from neonpay.cli.spans import SinceTyped, UntilTyped, ZoneOption

if TYPE_CHECKING:
    from neonpay.analytics.figures import Attention, Statement
    from neonpay.analytics.namespace import Reports
    from neonpay.analytics.periods import Period
    from neonpay.core.jsontext import JsonValue
    from neonpay.core.namespaces import Awaiting


class Name(enum.StrEnum):
    """A period until now."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    YEAR = "365d"


def report(
    *,
    period: Annotated[Name, typer.Option(help="The last so many hours or days, until now.")] = Name.MONTH,
    since: SinceTyped = None,
    until: UntilTyped = None,
    zone: ZoneOption = "UTC",
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    all_bots: AllBotsOption = False,
) -> None:
    """Tell how a period went: what was sold and went back, to how many people, and whether the books and Telegram agree."""
    from neonpay.cli.sheets import print_json
    from neonpay.cli.spans import refuse_backwards

    async def read(reports: Reports[Awaiting], bots: list[int]) -> tuple[Statement, Attention, list[int]]:
        return await reports.statement(chosen, compare=True), await reports.attention(), bots

    with errors_in_one_line():
        refuse_backwards(since, until)
        chosen = _chosen(period, since, until, zone)
        statement, attention, bots = run_reports(where_to_read(database, bot_id, all_bots=all_bots), read)
    if json:
        print_json(_as_json(statement, attention, bots))
    else:
        _print(statement, attention, bots)


def _chosen(name: Name, since: str | None, until: str | None, zone: str) -> Period:
    from datetime import UTC

    from neonpay.analytics.periods import Period, zone_of
    from neonpay.cli.spans import now, period_typed

    if since is None and until is None:
        return Period.named(name.value, now=now(), zone=UTC if zone == "UTC" else zone_of(zone))
    return period_typed(since, until, zone)


def _print(statement: Statement, attention: Attention, bots: list[int]) -> None:
    from neonpay.cli.revenue import compared
    from neonpay.cli.sheets import print_facts
    from neonpay.cli.spans import words_of

    takings = statement.takings
    whose = f"bot {bots[0]}" if len(bots) == 1 else f"{len(bots)} bots"
    people = counted(statement.customers, "person", "people")
    typer.echo(f"{whose.capitalize()}, {words_of(statement.period)}:")
    if takings.orders:
        typer.echo(f"{counted(takings.net_stars, 'Star')} net, from {counted(takings.orders, 'order')} of {people}.")
    else:
        typer.echo("nothing was sold.")
    say(compared(takings, statement.before, words_of(statement.period.before())))
    typer.echo()
    rate, median = takings.refund_rate, statement.median_stars
    print_facts(
        {
            "gross": f"{takings.gross_stars:,}",
            "refunded": f"{takings.returned_stars:,}",
            "net": f"{takings.net_stars:,}",
            "orders": f"{takings.orders:,}",
            "median order": "–" if median is None else f"{median:,g}",
            "customers": f"{statement.customers:,}",
            "refund rate": "–" if rate is None else percent(rate),
            "active subscriptions": f"{statement.active_subscriptions:,}",
            "Telegram": _gap(statement.gap_stars),
        }
    )
    typer.echo()
    say(_waiting(attention))


def _gap(gap_stars: int | None) -> str:
    if gap_stars is None:
        return "never compared; neonpay reconcile does it"
    if not gap_stars:
        return "has every payment of the ledger"
    return f"does not have {counted(gap_stars, 'Star')} of payments of the ledger, or not yet"


def _waiting(attention: Attention) -> str:
    found = {
        "payment to decide on|payments to decide on": attention.undecided,
        "dead letter": attention.dead,
        "job without a handler|jobs without a handler": attention.stranded,
        "delivery that is stuck|deliveries that are stuck": attention.stuck,
        "refund that has not gone through|refunds that have not gone through": attention.going_back,
        "request for a refund|requests for refunds": attention.requests,
        "payment that Telegram does not have|payments that Telegram does not have": attention.unexplained,
    }
    told = []
    for words, number in found.items():
        one, _, more = words.partition("|")
        if number:
            told.append(counted(number, one, more or None))
    return f"Waits for somebody: {', '.join(told)}." if told else "Nothing waits for anybody."


def _as_json(statement: Statement, attention: Attention, bots: list[int]) -> dict[str, JsonValue]:
    from neonpay.cli.revenue import takings_json
    from neonpay.cli.spans import zone_name

    period = statement.period
    before = period.before()
    return {
        "bots": bots,
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "zone": zone_name(period.zone),
        **takings_json(statement.takings),
        "refund_rate": statement.takings.refund_rate,
        "median_stars": statement.median_stars,
        "customers": statement.customers,
        "active_subscriptions": statement.active_subscriptions,
        "gap_stars": statement.gap_stars,
        "before": None
        if statement.before is None
        else {"since": before.since.isoformat(), "until": before.until.isoformat(), **takings_json(statement.before)},
        "waiting": {
            "undecided": attention.undecided,
            "dead": attention.dead,
            "stranded": attention.stranded,
            "stuck": attention.stuck,
            "going_back": attention.going_back,
            "requests": attention.requests,
            "unexplained": attention.unexplained,
        },
    }
