"""The payment path of this tree beside that of an earlier commit, in one run: what a change of it costs.

The two take turns, each in processes of its own, with its own copy of the benchmarks. What is told is the median of the ratios
of neighbours, with an interval that holds the true median in 95 of 100 such runs (drawn again from the pairs 10,000 times).

    python benchmarks/against.py 10e4b71         # the processor time of a paid update; a quarter of an hour
    python benchmarks/against.py HEAD --quick    # proves that everything runs, and measures nothing worth quoting
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

_HERE = Path(__file__).parents[1]
_DRAWS = 10_000
Measure = Callable[[Path], dict[str, float]]
"""Measures one tree once: figures by name."""


def main() -> int:
    """Measure and print the ratios of this tree to the other one."""
    arguments = _arguments()
    pairs: int = 2 if arguments.quick else arguments.pairs
    updates: int = 200 if arguments.quick else arguments.updates
    measures: list[Measure] = [
        lambda tree: _paid_updates(tree, updates // 2, 1),
        lambda tree: _paid_updates(tree, updates, 64),
    ]
    with tempfile.TemporaryDirectory(prefix="neonpay-against-") as folder:
        other = Path(folder)
        _check_out(arguments.commit, other)
        for measure in measures:
            _tell(_in_turns(measure, other, pairs))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the payment path costs, beside an earlier commit.")
    parser.add_argument("commit", help="the commit to compare with")
    parser.add_argument("--pairs", type=int, default=20, help="how often each tree is measured")
    parser.add_argument("--updates", type=int, default=2000, help="paid updates per run; half as many one at a time")
    parser.add_argument("--quick", action="store_true", help="two short pairs")
    return parser.parse_args()


def _check_out(commit: str, folder: Path) -> None:
    packed = subprocess.run(["git", "-C", str(_HERE), "archive", commit], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def _in_turns(measure: Measure, other: Path, pairs: int) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Figures of this tree and the other one; who goes first changes from pair to pair."""
    measured = []
    for number in range(1, pairs + 1):
        print(f"pair {number} of {pairs}", file=sys.stderr)
        order = [_HERE, other] if number % 2 else [other, _HERE]
        by_tree = {tree: measure(tree) for tree in order}
        measured.append((by_tree[_HERE], by_tree[other]))
    return measured


def _tell(measured: Sequence[tuple[dict[str, float], dict[str, float]]]) -> None:
    for name in measured[0][0]:
        ratios = [ours[name] / theirs[name] for ours, theirs in measured]
        low, high = _interval(ratios)
        ours, theirs = (median(pair[side][name] for pair in measured) for side in (0, 1))
        print(
            f"{name:44} {median(ratios):6.3f}  [{low:.3f}-{high:.3f}]   medians {ours:,.4g} and {theirs:,.4g}",
            flush=True,
        )


def _interval(ratios: Sequence[float]) -> tuple[float, float]:
    draw = random.Random(1)
    medians = sorted(median(draw.choices(ratios, k=len(ratios))) for _ in range(_DRAWS))
    return medians[int(0.025 * _DRAWS)], medians[int(0.975 * _DRAWS)]


def _paid_updates(tree: Path, updates: int, in_flight: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="neonpay-bench-") as folder:
        told = _run(tree, "contenders/this_neonpay.py", str(updates), str(updates // 4), str(in_flight), folder)
    result = json.loads(told.splitlines()[-1])
    return {
        f"processor time, {in_flight} in flight": result["cpu_s"] / result["n"] * 1e6,
        f"the same over bare aiogram, {in_flight} in flight": result["cpu_s"] / result["bare_cpu_s"],
    }


def _run(tree: Path, script: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    command = [sys.executable, str(tree / "benchmarks" / script), *arguments]
    done = subprocess.run(command, env=environment, cwd=tree, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
