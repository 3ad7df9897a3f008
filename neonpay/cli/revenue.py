"""``neonpay revenue``: what was sold and what of it went back, with bars on a terminal."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, Final

import typer

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
    from neonpay.analytics.figures import Revenue, Takings
    from neonpay.analytics.namespace import Reports
    from neonpay.cli.columns import Column
    from neonpay.core.jsontext import JsonValue
    from neonpay.core.namespaces import Awaiting

_BAR_MAX: Final = 40
_BAR_MIN: Final = 5
_SPARK: Final = 30
_UNFINISHED: Final = "so far"
_PART: Final = "in part"


class By(enum.StrEnum):
    """What one line is about."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Parts(enum.StrEnum):
    """By what revenue is taken apart."""

    STAGE = "stage"
    PLAN = "plan"
    BOT = "bot"
    LANGUAGE = "language"
    SOURCE = "source"


def revenue(
    *,
    by: Annotated[By, typer.Option(help="What one line is about; weeks begin on Monday.")] = By.DAY,
    split: Annotated[
        Parts | None,
        typer.Option(
            help="Take it apart: by stage, by plan (subscriptions alone), by bot, or by the buyer's language or source."
        ),
    ] = None,
    since: SinceTyped = None,
    until: UntilTyped = None,
    zone: ZoneOption = "UTC",
    stage: Annotated[list[str] | None, typer.Option(help="Only this stage id; again for more.")] = None,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
    all_bots: AllBotsOption = False,
) -> None:
    """Show what was sold and what of it went back, with the period before; all bots of the ledger when it has several.

    Net is what was paid less what of these very payments went back, whenever it did, by the time of the payment. A bar that is
    drawn lightly is a time that is not over.
    """
    from neonpay.analytics.periods import Bucket
    from neonpay.analytics.scope import Split
    from neonpay.cli.sheets import print_json
    from neonpay.cli.spans import period_typed, refuse_backwards

    bucket, part = Bucket(by.value), None if split is None else Split(split.value)

    async def read(reports: Reports[Awaiting], bots: list[int]) -> tuple[Revenue, list[int], dict[str, str]]:
        found = await reports.revenue(period, by=bucket, split=part, compare=True, stages=stage)
        is_named = part in {Split.STAGE, Split.PLAN}
        titles = {one.stage_id: one.title for one in await reports.products(period, stages=stage)} if is_named else {}
        return found, bots, titles

    with errors_in_one_line():
        refuse_backwards(since, until)
        period = period_typed(since, until, zone, by=bucket)
        found, bots, titles = run_reports(where_to_read(database, bot_id, all_bots=all_bots), read)
    if json:
        print_json(_as_json(found, bots, split))
    else:
        _print(found, bots, split, titles)


def _print(found: Revenue, bots: list[int], split: Parts | None, titles: dict[str, str]) -> None:
    from neonpay.cli.columns import say
    from neonpay.cli.counted import counted
    from neonpay.cli.spans import words_of

    whose = f"bot {bots[0]}" if len(bots) == 1 else f"{len(bots)} bots"
    typer.echo(f"Stars of {whose}, {words_of(found.period)}")
    typer.echo()
    if not found.takings.orders and not found.refunds:
        typer.echo("Nothing was sold in this time.")
    else:
        _print_points(found)
        if split is not None:
            typer.echo()
            _print_shares(found, split, titles)
    typer.echo()
    if found.refunds:
        refunds = counted(found.refunds, "payment")
        say(f"Given back in this time, whenever it was paid: {counted(found.refunded_stars, 'Star')} of {refunds}.")
    say(compared(found.takings, found.before, words_of(found.period.before())))


def compared(takings: Takings, before: Takings | None, when: str) -> str:
    """How a period did beside the one before it."""
    if before is None or not before.orders:
        return f"The period before ({when}) sold nothing."
    from neonpay.cli.counted import counted

    words = f"The period before ({when}) brought {before.net_stars:,} net from {counted(before.orders, 'order')}"
    if before.net_stars <= 0:
        return f"{words}."
    change = (takings.net_stars - before.net_stars) / before.net_stars
    if not change:
        return f"{words}: as much."
    return f"{words}: {abs(change):,.1%} {'more' if change > 0 else 'less'} now."


def _columns(first: str, *, least: int | None = None) -> list[Column]:
    from neonpay.cli.columns import Column

    return [
        Column(title=first, least=least, gives=1),
        Column(title="orders", is_number=True, may_go=True),
        Column(title="gross", is_number=True),
        Column(title="went back", is_number=True),
        Column(title="net", is_number=True),
    ]


def _figures(takings: Takings) -> list[str]:
    back = f"−{takings.returned_stars:,}" if takings.returned_stars else "0"
    return [f"{takings.orders:,}", f"{takings.gross_stars:,}", back, f"{takings.net_stars:,}".replace("-", "−")]


def _print_points(found: Revenue) -> None:
    from neonpay.analytics.periods import Period
    from neonpay.cli.bars import bar
    from neonpay.cli.columns import Column, print_table, room_for, terminal_width
    from neonpay.cli.spans import bucket_of, now

    current = Period.this(found.by, now=now(), zone=found.period.zone).since
    columns = _columns(found.by.value)
    rows = [[bucket_of(point.span, found.by), *_figures(point.takings)] for point in found.points]
    total = ["total", *_figures(found.takings)]
    width = terminal_width()
    room = 0 if width is None else min(_BAR_MAX, room_for(columns, [*rows, total], width))
    if room < _BAR_MIN:
        # Without bars it is said in words which time is not over, and which is cut by what was asked for.
        for row, point in zip(rows, found.points, strict=True):
            if not point.span.is_complete:
                row[0] += f" ({_UNFINISHED if point.span.ends_at > current else _PART})"
        print_table(columns, [*rows, total])
        return
    most = max(point.takings.net_stars for point in found.points)
    for row, point in zip(rows, found.points, strict=True):
        is_over = point.span.is_complete or point.span.ends_at <= current
        row.append(bar(point.takings.net_stars, most, room, is_complete=is_over))
    print_table([*columns, Column(title="")], [*rows, [*total, ""]])


def _print_shares(found: Revenue, split: Parts, titles: dict[str, str]) -> None:
    from neonpay.cli.bars import sparkline
    from neonpay.cli.columns import Column, print_table, room_for, terminal_width
    from neonpay.cli.counted import percent

    columns = [*_columns(split.value, least=10), Column(title="share", is_number=True)]
    if titles:
        columns.insert(1, Column(title="title", least=5, gives=0, may_go=True))
    whole = found.takings.net_stars
    rows = []
    for share in found.shares:
        part = percent(share.takings.net_stars / whole) if whole > 0 else "–"
        named = [titles.get(share.key, "")] if titles else []
        rows.append([share.key or "unknown", *named, *_figures(share.takings), part])
    width = terminal_width()
    room = 0 if width is None else min(_SPARK, room_for(columns, rows, width))
    if room >= _BAR_MIN:
        columns.append(Column(title=""))
        for row, share in zip(rows, found.shares, strict=True):
            row.append(sparkline([point.net_stars for point in share.points], room))
    print_table(columns, rows)


def takings_json(takings: Takings) -> dict[str, JsonValue]:
    """Figures for programs."""
    return {
        "orders": takings.orders,
        "gross_stars": takings.gross_stars,
        "returned": takings.returned,
        "returned_stars": takings.returned_stars,
        "net_stars": takings.net_stars,
    }


def _as_json(found: Revenue, bots: list[int], split: Parts | None) -> dict[str, JsonValue]:
    from neonpay.cli.spans import zone_name

    before = found.period.before()
    return {
        "bots": bots,
        "since": found.period.since.isoformat(),
        "until": found.period.until.isoformat(),
        "zone": zone_name(found.period.zone),
        "by": found.by.value,
        "split": None if split is None else split.value,
        "total": takings_json(found.takings),
        "subscriptions": takings_json(found.subscriptions),
        "refunds": found.refunds,
        "refunded_stars": found.refunded_stars,
        "before": None
        if found.before is None
        else {"since": before.since.isoformat(), "until": before.until.isoformat(), **takings_json(found.before)},
        "points": [
            {
                "since": point.span.starts_at.isoformat(),
                "until": point.span.ends_at.isoformat(),
                "is_complete": point.span.is_complete,
                **takings_json(point.takings),
                "subscriptions_net_stars": point.subscriptions.net_stars,
                "refunds": point.refunds,
                "refunded_stars": point.refunded_stars,
            }
            for point in found.points
        ],
        "shares": [
            {
                "key": share.key,
                **takings_json(share.takings),
                "points_net_stars": [point.net_stars for point in share.points],
            }
            for share in found.shares
        ],
    }
