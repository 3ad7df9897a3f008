"""Paid updates through aiogram to a durable, delivered payment on SQLite: what they cost, and beside what.

Every contender gets the same updates in a process of its own, round by round in turns; inside its process it takes turns with
bare aiogram. What counts are the ratios: absolute figures are those of this machine at this hour.

The contenders promise different things. Bare aiogram and neonpay 2.6.0 write nothing; aiogram-stars writes a payment twice;
ours writes the payment, its journal, event and job, and that the job is done.

    python benchmarks/paid_updates.py            # some minutes; installs the other packages into your cache on first use
    python benchmarks/paid_updates.py --quick    # seconds; proves that everything runs, and measures nothing worth quoting
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from environments import NotInstallableError
from report import TARGET_IN_FLIGHT, Results, show, show_targets
from running import (
    AIOGRAM_STARS,
    BARE,
    NEONPAY_2,
    OURS,
    Contender,
    ContenderFailedError,
    Load,
    Measured,
    run,
)


def main() -> int:
    """Measure and print; 1 when a payment of ours was not delivered or a contender failed."""
    arguments = _arguments()
    rounds: int = 1 if arguments.quick else arguments.rounds
    updates: int = 200 if arguments.quick else arguments.updates
    contenders = _installed([BARE, OURS] if arguments.quick else [BARE, OURS, AIOGRAM_STARS, NEONPAY_2])
    at_target = Load(updates, max(1, updates // 8), TARGET_IN_FLIGHT)
    # One at a time is bound by the disk, and needs fewer for a steady figure.
    one_by_one = Load(max(1, updates // 4), at_target.warm_up, 1)
    try:
        alone = _measure(contenders, one_by_one, rounds)
        show(one_by_one.in_flight, alone, rounds=rounds)
        together = _measure(contenders, at_target, rounds)
        show(at_target.in_flight, together, rounds=rounds)
    except ContenderFailedError as exc:
        print(exc, file=sys.stderr)
        return 1
    show_targets(together)
    return 1 if alone[OURS].lost or together[OURS].lost else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a paid update costs, beside other ways to take it.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs")
    parser.add_argument("--updates", type=int, default=2000, help="paid updates per run")
    parser.add_argument("--quick", action="store_true", help="one short round of what this environment has")
    return parser.parse_args()


def _installed(contenders: list[Contender]) -> dict[Contender, Path]:
    pythons: dict[Contender, Path] = {}
    for contender in contenders:
        try:
            pythons[contender] = contender.python()
        except NotInstallableError as exc:
            print(f"skipped: {contender.name} cannot be installed here: {exc}")
    return pythons


def _measure(contenders: dict[Contender, Path], load: Load, rounds: int) -> Results:
    runs: dict[Contender, list[Measured]] = {contender: [] for contender in contenders}
    for number in range(1, rounds + 1):
        for contender, python in contenders.items():
            print(f"{load.in_flight} in flight, round {number} of {rounds}: {contender.name}", file=sys.stderr)
            runs[contender].append(run(contender, python, load))
    return {contender: Measured.median_of(measured) for contender, measured in runs.items()}


if __name__ == "__main__":
    sys.exit(main())
