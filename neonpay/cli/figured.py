"""What the commands of analytics have in common: periods as the guide types them, shapes, and where a report goes."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neonpay.cli.counted import percent
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from neonpay.analytics.managers.asked import Asked
    from neonpay.core.jsontext import JsonValue


class Shape(enum.StrEnum):
    """How a report is shown."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


PeriodOption = Annotated[
    str, typer.Option(help="The last so many days, today among them: 1day, 7days, 30days, 90days …", metavar="DAYS")
]
FormatOption = Annotated[Shape | None, typer.Option(help="How to show it; a table when left out.")]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write, readable by you alone; standard output when left out."),
]


def asked_typed(period: str, zone: str, until: str | None = None) -> Asked:
    """What was typed for a period; without ``until`` it ends now.

    Raises:
        ConfigurationError: it names no number of days.
        ValidationError: there is no such zone, or the time is out of reach.
        typer.BadParameter: the time is none.
    """
    from datetime import UTC, timedelta

    from neonpay.analytics.managers.asked import DAYS_MAX, AnalyticsPeriod, Asked
    from neonpay.analytics.periods import within_reach, zone_of
    from neonpay.cli.spans import now
    from neonpay.cli.typed import moment_typed

    number = period.removesuffix("s").removesuffix("day").removesuffix("d")
    if not (
        number.isascii() and number.isdecimal() and len(number) <= len(str(DAYS_MAX)) and 1 <= int(number) <= DAYS_MAX
    ):
        msg = f"--period is a number of days up to {DAYS_MAX}, such as --period 30days; got {period!r}"
        raise ConfigurationError(msg)
    whose = UTC if zone == "UTC" else zone_of(zone)
    # The last day is that of the last moment, which is before the time that was typed.
    last = now() if until is None else within_reach("until", moment_typed(until, whose)) - timedelta(microseconds=1)
    return Asked.last(int(number), AnalyticsPeriod.DAY, now=last, zone=whose)


def chosen_shape(typed: Shape | None, *, json: bool, otherwise: Shape) -> Shape:
    """The shape that was typed, ``--json`` being one; raises ConfigurationError when two were."""
    if json and typed not in {None, Shape.JSON}:
        msg = f"--json and --format {typed} say two things; leave one of them out"
        raise ConfigurationError(msg)
    return Shape.JSON if json else typed or otherwise


@contextmanager
def written_to(output: Path | None) -> Iterator[None]:
    """What is printed meanwhile goes into a file of its owner alone, if one was named; raises ConfigurationError."""
    if output is None:
        yield
        return
    from neonpay.cli.export import private_file

    with private_file(output) as file, redirect_stdout(file):
        yield
    typer.echo(f"The report is in {output}.")


def print_report(report: Mapping[str, JsonValue], shape: Shape) -> None:
    """Print a report for programs."""
    if shape is Shape.JSON:
        from neonpay.cli.sheets import print_json

        print_json(report)
        return
    from neonpay.analytics.managers.tables import as_csv

    sys.stdout.write(as_csv(report))


def per_hundred(rate: float) -> str:
    """A rate of a hundred, as people write it."""
    return percent(rate / 100)
