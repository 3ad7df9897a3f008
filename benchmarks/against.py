"""The payment path of this tree beside that of an earlier commit, in one run: what a change of it costs.

The two take turns burst by burst (``taking_turns.py``), each in a process of its own with its own copy of the benchmarks, so
that what slows the machine for a while slows both. What is told is the median of the ratios of pairs, with an interval that
holds the true median in 95 of 100 such runs (drawn again from the pairs 10,000 times).

    python benchmarks/against.py 10e4b71         # the processor time of a paid update; a quarter of an hour
    python benchmarks/against.py HEAD --quick    # proves that everything runs, and measures nothing worth quoting
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from intervals import interval

HERE = Path(__file__).parents[1]


def main() -> int:
    """Measure and print the ratios of this tree to the other one."""
    arguments = _arguments()
    pairs: int = 2 if arguments.quick else arguments.pairs
    updates: int = 200 if arguments.quick else arguments.updates
    with tempfile.TemporaryDirectory(prefix="neonpay-against-") as folder:
        other = Path(folder)
        check_out(arguments.commit, other)
        for in_flight, count in ((1, updates // 2), (64, updates)):
            _tell([_pair(other, number, count, in_flight) for number in range(1, pairs + 1)])
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the payment path costs, beside an earlier commit.")
    parser.add_argument("commit", help="the commit to compare with")
    parser.add_argument("--pairs", type=int, default=20, help="how often each tree is measured")
    parser.add_argument("--updates", type=int, default=2000, help="paid updates per run; half as many one at a time")
    parser.add_argument("--quick", action="store_true", help="two short pairs")
    return parser.parse_args()


def check_out(commit: str, folder: Path) -> None:
    """The files of a commit of this repository, into a folder."""
    packed = subprocess.run(["git", "-C", str(HERE), "archive", commit], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def _pair(other: Path, number: int, updates: int, in_flight: int) -> tuple[dict[str, float], dict[str, float]]:
    """Figures of this tree and the other one; who comes first changes from pair to pair."""
    print(f"pair {number}, {in_flight} in flight", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="neonpay-bench-") as folder:
        running: dict[Path, _Running] = {}
        for tree, name in [(HERE, "here"), (other, "other")][:: 1 if number % 2 else -1]:
            database = Path(folder, name)
            database.mkdir()
            running[tree] = _Running(tree, str(updates), str(updates // 4), str(in_flight), str(database))
        taking_turns = list(running.values())
        while taking_turns:
            taking_turns = [one for one in taking_turns if one.take_turn()]
        return running[HERE].figures(in_flight), running[other].figures(in_flight)


class _Running:
    """One tree at work."""

    def __init__(self, tree: Path, *arguments: str) -> None:
        go, self._go = os.pipe()
        self._done, done = os.pipe()
        command = [
            sys.executable,
            str(HERE / "benchmarks" / "taking_turns.py"),
            str(tree),
            str(go),
            str(done),
            *arguments,
        ]
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        self._process = subprocess.Popen(
            command, env=environment, cwd=tree, pass_fds=(go, done), stdout=subprocess.PIPE, text=True
        )
        os.close(go)
        os.close(done)

    def take_turn(self) -> bool:
        """Let it do its next burst; False when it has come to its end."""
        os.write(self._go, b".")
        return os.read(self._done, 1) != b""

    def figures(self, in_flight: int) -> dict[str, float]:
        """What it has measured."""
        told, _ = self._process.communicate()
        os.close(self._go)
        os.close(self._done)
        if self._process.returncode:
            raise subprocess.CalledProcessError(self._process.returncode, self._process.args)
        result = json.loads(told.splitlines()[-1])
        return {
            f"processor time, {in_flight} in flight": result["cpu_s"] / result["n"] * 1e6,
            f"the same over bare aiogram, {in_flight} in flight": result["cpu_s"] / result["bare_cpu_s"],
        }


def _tell(measured: Sequence[tuple[dict[str, float], dict[str, float]]]) -> None:
    for name in measured[0][0]:
        ratios = [ours[name] / theirs[name] for ours, theirs in measured]
        low, high = interval(ratios)
        ours, theirs = (median(pair[side][name] for pair in measured) for side in (0, 1))
        print(
            f"{name:44} {median(ratios):6.3f}  [{low:.3f}-{high:.3f}]   medians {ours:,.4g} and {theirs:,.4g}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
