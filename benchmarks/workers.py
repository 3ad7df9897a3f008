"""Durable payments a second with 1, 4 and 8 worker processes on one PostgreSQL database, beside raw asyncpg transactions.

A payment of neonpay is verified, recorded, delivered to a handler that does nothing, and marked as delivered: two commits.
A raw one is one transaction that inserts rows of the same kinds, and nothing else. Server and workers share this machine;
the server's fsync is on. The two take turns, each time on a new database, and the ratios are of one run.

    python benchmarks/workers.py            # some minutes
    python benchmarks/workers.py --quick    # proves that everything runs, and measures nothing worth quoting
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from neonpay.testing.postgres import PostgresServer, throwaway_postgres

_WORKER = Path(__file__).parent / "contenders" / "one_worker.py"
TO_THE_DISK = ("ALTER SYSTEM SET fsync = on", "ALTER SYSTEM SET full_page_writes = on", "SELECT pg_reload_conf()")
WORKERS_TOGETHER = 16
"""Payments that are under way at the same time, over all workers together."""
PER_WORKER_AT_LEAST = 4
"""And in each worker, however many there are."""


class WorkerFailedError(Exception):
    """A worker ended without a result."""


def main() -> int:
    """Measure and print; 1 when a payment was not recorded."""
    arguments = _arguments()
    rounds: int = 1 if arguments.quick else arguments.rounds
    payments: int = 160 if arguments.quick else arguments.payments
    print(f"{'workers':>7} {'neonpay/s':>10} {'raw asyncpg/s':>14} {'neonpay/raw':>12}   medians of {rounds} rounds")
    with throwaway_postgres() as server:
        server.execute(*TO_THE_DISK)
        for workers in (1, 4) if arguments.quick else (1, 4, 8):
            measured: dict[str, list[float]] = {"neonpay": [], "raw": []}
            for _ in range(rounds):
                for kind, runs in measured.items():
                    runs.append(_measure(server, kind, workers, payments))
            ours, raw = median(measured["neonpay"]), median(measured["raw"])
            ratios = [mine / bare for mine, bare in zip(measured["neonpay"], measured["raw"], strict=True)]
            print(f"{workers:7} {ours:10,.0f} {raw:14,.0f} {median(ratios):12.2f}", flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Durable payments a second by number of workers.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--payments", type=int, default=4000, help="payments of one measurement, over all workers")
    parser.add_argument("--quick", action="store_true", help="one short round")
    return parser.parse_args()


def _measure(server: PostgresServer, kind: str, workers: int, payments: int) -> float:
    """Payments a second, from the word to begin to the end of the slowest worker."""
    url = server.create_database()
    try:
        if kind == "raw":
            _create_raw_tables(url)
        return _run(kind, url, workers, payments // workers)
    finally:
        server.drop_database(url)


def _create_raw_tables(url: str) -> None:
    sys.path.insert(0, str(_WORKER.parent))
    from one_worker import TABLES

    PostgresServer(url).execute(*TABLES)


def _run(kind: str, url: str, workers: int, each: int) -> float:
    in_flight = max(PER_WORKER_AT_LEAST, WORKERS_TOGETHER // workers)
    running: list[subprocess.Popen[str]] = []
    try:
        for number in range(workers):
            command = [sys.executable, str(_WORKER), kind, url, str(1000 + number * each), str(each), str(in_flight)]
            running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        for worker in running:
            _expect(worker, "ready")
        for worker in running:
            assert worker.stdin is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
        results = [json.loads(_expect(worker, "{")) for worker in running]
    finally:
        for worker in running:
            worker.kill()
            worker.communicate()
    recorded = sum(result["payments"] for result in results)
    if recorded != each * workers:
        raise WorkerFailedError(f"{each * workers - recorded} payments were not recorded")
    return float(recorded / max(result["wall_s"] for result in results))


def _expect(worker: subprocess.Popen[str], beginning: str) -> str:
    assert worker.stdout is not None
    line = worker.stdout.readline()
    if not line.startswith(beginning):
        raise WorkerFailedError(f"a worker said {line!r} instead of {beginning!r}")
    return line


if __name__ == "__main__":
    sys.exit(main())
