"""Workers on one PostgreSQL database, and two thousand checkouts at once, beside an earlier commit in one run.

What ``workers.py`` and ``checkout_burst.py`` measure, of this tree and the other one in turns. Workers of both trees are up
at the same time, each on a database of its own, and get a hundred payments at a time; shops take a whole burst in turn. What
is told is the median of the ratios of pairs, this tree over the other one: of seconds, so that more than 1 is slower; with an
interval as in ``intervals.py``. The processor time of a slice is that of the workers and of their connections in the server,
with what they do until their next slice: deliveries, seals.

    python benchmarks/against_programs.py 10e4b71            # twenty minutes
    python benchmarks/against_programs.py HEAD --quick       # proves that everything runs, and measures nothing worth quoting
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

import checkout_burst
from against import HERE, check_out
from intervals import interval
from workers import PER_WORKER_AT_LEAST, TO_THE_DISK, WORKERS_TOGETHER

from neonpay.testing.postgres import PostgresServer, throwaway_postgres

_SLICE = 100
"""Payments between two changes of turn, over all workers together."""
_BURSTS = ("sqlite polling", "sqlite polling-in-turn", "sqlite webhook", "postgresql polling")


def main() -> int:
    """Measure and print the ratios of this tree to the other one."""
    arguments = _arguments()
    rounds: int = 1 if arguments.quick else arguments.rounds
    slices: int = 3 if arguments.quick else arguments.slices
    bursts: int = 1 if arguments.quick else arguments.bursts
    buyers: int = 50 if arguments.quick else arguments.buyers
    with tempfile.TemporaryDirectory(prefix="neonpay-against-") as folder, throwaway_postgres() as server:
        other = Path(folder, "tree")
        check_out(arguments.commit, other)
        server.execute(*TO_THE_DISK)
        # Eight workers of each tree would want more connections than the server has.
        for workers in (1, 4) if "workers".startswith(arguments.only) else ():
            measured = [_workers(server, other, workers, slices) for _ in range(rounds)]
            _tell(f"a slice, {workers} workers", [pair for of_round in measured for pair in of_round.took_s])
            _tell(f"processor, {workers} workers", [pair for of_round in measured for pair in of_round.cpu_s])
        for name in [name for name in _BURSTS if name.startswith(arguments.only)]:
            pairs_of_bursts = [_bursts(server, other, Path(folder), name, number, buyers) for number in range(bursts)]
            for figure in pairs_of_bursts[0][0]:
                _tell(f"{figure}, {name}", [(ours[figure], theirs[figure]) for ours, theirs in pairs_of_bursts])
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Workers and checkouts, beside an earlier commit.")
    parser.add_argument("commit", help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=3, help="how often workers get new databases")
    parser.add_argument("--slices", type=int, default=20, help="turns of each tree's workers in a round")
    parser.add_argument("--bursts", type=int, default=8, help="how often each shop meets a burst")
    parser.add_argument("--buyers", type=int, default=1000, help="how many press Pay in the same moment")
    parser.add_argument("--only", default="", help="what a line is about, such as 'workers' or 'sqlite'")
    parser.add_argument("--quick", action="store_true", help="as little as there can be")
    return parser.parse_args()


class _Measured(NamedTuple):
    """Of each slice, what this tree took and what the other one did."""

    took_s: list[tuple[float, float]]
    cpu_s: list[tuple[float, float]]


def _workers(server: PostgresServer, other: Path, workers: int, slices: int) -> _Measured:
    """What each slice took of this tree and of the other one; the first slice of each is not told."""
    print(f"{workers} workers", file=sys.stderr)
    with ExitStack() as stack:
        here, there = (stack.enter_context(_up(server, tree, workers, slices)) for tree in (HERE, other))
        took_s: list[tuple[float, float]] = []
        used_s: list[tuple[float, float]] = []
        for number in range(slices):
            used_s.append((here.used_s(), there.used_s()))
            took = {tree: tree.take_turn() for tree in ((here, there) if number % 2 else (there, here))}
            took_s.append((took[here], took[there]))
        spent_s = [
            (ours_then - ours, theirs_then - theirs) for (ours, theirs), (ours_then, theirs_then) in pairwise(used_s)
        ]
        return _Measured(took_s[1:], spent_s[1:])


class _Workers:
    """The workers of one tree, ready to be told to take a slice."""

    def __init__(self, running: Sequence[subprocess.Popen[str]], database: str) -> None:
        self._running = running
        self._database = database.encode()
        for worker in running:
            self._line(worker)

    def take_turn(self) -> float:
        """Let each take its part of a slice; seconds until the last of them was done."""
        for worker in self._running:
            assert worker.stdin is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
        return max(float(self._line(worker)) for worker in self._running)

    def used_s(self) -> float:
        """Processor time so far, of the workers and of their connections in the server."""
        mine = {str(worker.pid) for worker in self._running}
        return sum(
            _on_processor_s(path) for path in Path("/proc").glob("[0-9]*") if path.name in mine or self._serves(path)
        )

    def _serves(self, process: Path) -> bool:
        with suppress(OSError):  # it has ended
            title = process.joinpath("cmdline").read_bytes()
            return title.startswith(b"postgres: ") and self._database in title
        return False

    @staticmethod
    def _line(worker: subprocess.Popen[str]) -> str:
        assert worker.stdout is not None
        line = worker.stdout.readline()
        if not line:
            raise subprocess.CalledProcessError(worker.wait(), worker.args)
        return line


def _on_processor_s(process: Path) -> float:
    """What the threads of a process have had of a processor, to the nanosecond."""
    used_ns = 0
    for thread in process.glob("task/*/schedstat"):
        with suppress(OSError):
            used_ns += int(thread.read_text().split()[0])
    return used_ns / 1_000_000_000


@contextmanager
def _up(server: PostgresServer, tree: Path, workers: int, slices: int) -> Iterator[_Workers]:
    url = server.create_database()
    each = _SLICE // workers
    in_flight = max(PER_WORKER_AT_LEAST, WORKERS_TOGETHER // workers)
    script = str(HERE / "benchmarks" / "worker_in_turns.py")
    running: list[subprocess.Popen[str]] = []
    try:
        for number in range(workers):
            first_user = 1000 + number * each * slices
            command = [sys.executable, script, str(tree), url, str(first_user), str(slices), str(each), str(in_flight)]
            environment = {**os.environ, "PYTHONPATH": str(tree)}
            running.append(
                subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        yield _Workers(running, url.partition("?")[0].rpartition("/")[2])
    finally:
        for worker in running:
            worker.kill()
            worker.communicate()
        server.drop_database(url)


def _bursts(
    server: PostgresServer, other: Path, folder: Path, name: str, number: int, buyers: int
) -> tuple[dict[str, float], dict[str, float]]:
    """When half and all had their answer, and the shop's processor time, of this tree's shop and of the other one's."""
    print(f"{name}, burst {number + 1}", file=sys.stderr)
    found: dict[Path, dict[str, float]] = {}
    engine, updates = name.split()
    for tree in (HERE, other) if number % 2 else (other, HERE):
        is_sqlite = engine == "sqlite"
        url = f"sqlite:///{folder}/{updates}-{number}-{len(found)}.db" if is_sqlite else server.create_database()
        answered_s, outcomes, cpu_s = asyncio.run(checkout_burst.burst(url, updates, buyers, tree))
        if outcomes["paid"] != buyers and updates == "polling":  # in turn it takes as long as it takes
            raise RuntimeError(f"{name} of {tree}: {dict(outcomes)}")
        found[tree] = {"half by": answered_s[len(answered_s) // 2], "last by": answered_s[-1], "processor time": cpu_s}
        if not is_sqlite:
            server.drop_database(url)
    return found[HERE], found[other]


def _tell(name: str, pairs: Sequence[tuple[float, float]]) -> None:
    ratios = [ours / theirs for ours, theirs in pairs]
    low, high = interval(ratios)
    print(f"{name:36} {median(ratios):6.3f}  [{low:.3f}-{high:.3f}]   of {len(ratios)} pairs", flush=True)


if __name__ == "__main__":
    sys.exit(main())
