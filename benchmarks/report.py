"""What was measured, as a table of ratios and as targets that are met or missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from running import AIOGRAM_STARS, OURS, Contender, Measured

CPU_TARGET = 1.0
"""At most this much of bare aiogram's CPU per paid update, with 64 in flight."""
THROUGHPUT_TARGET = 20.0
"""At least this many times the paid updates per second of aiogram-stars on SQLite, with 64 in flight."""
TARGET_IN_FLIGHT = 64

Results = Mapping[Contender, Measured]
_HEAD = (
    "contender",
    "CPU per update",
    "over bare",
    "neonpay takes",
    "updates/s",
    "neonpay does",
    "not delivered",
)


def show(in_flight: int, results: Results, *, rounds: int) -> None:
    """Print the medians of one load, and how ours compares with each.

    Bare aiogram over bare aiogram would be 1.00 on a machine without noise.
    """
    ours = results[OURS]
    rows = [
        (
            contender.name,
            f"{measured.cpu_us:,.0f} µs",
            f"{measured.over_bare:.2f}×",
            "" if contender is OURS else f"{ours.over_bare / measured.over_bare:.2f}×",
            f"{measured.per_s:,.0f}",
            "" if contender is OURS else f"{ours.per_s / measured.per_s:.2f}×",
            str(measured.lost),
        )
        for contender, measured in results.items()
    ]
    _table(f"{in_flight} in flight, medians of {rounds} interleaved rounds", rows)


def show_targets(results: Results) -> None:
    """Print what the project has promised itself, and whether this run keeps it."""
    ours = results[OURS]
    ratio = ours.over_bare
    at = f"at {TARGET_IN_FLIGHT} in flight"
    print(f"target: CPU ratio to bare aiogram {at} <= {CPU_TARGET}: {ratio:.2f}, {_verdict(met=ratio <= CPU_TARGET)}")
    if (stars := results.get(AIOGRAM_STARS)) is None:
        print(f"target: throughput >= {THROUGHPUT_TARGET:.0f}x aiogram-stars {at}: not measured")
        return
    faster = ours.per_s / stars.per_s
    verdict = _verdict(met=faster >= THROUGHPUT_TARGET)
    print(f"target: throughput >= {THROUGHPUT_TARGET:.0f}x aiogram-stars {at}: {faster:.1f}x, {verdict}")


def _verdict(*, met: bool) -> str:
    return "met" if met else "missed"


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        widths = [max(len(row[column]) for row in [_HEAD, *rows]) for column in range(len(_HEAD))]
        print(f"\n{title}")
        for row in [_HEAD, *rows]:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    table = Table(title=title, title_justify="left")
    for column, name in enumerate(_HEAD):
        table.add_column(name, justify="left" if column == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=None if Console().is_terminal else 120).print(table)
