"""Checkouts of a bot that counts everything that people do: 1,000 updates a second on SQLite, 5,000 on PostgreSQL.

A real aiogram bot on a simulated Telegram sells a steady number of times a second, alone and with updates handed over as its
adapter does. What counts are that no checkout is lost, that nothing is shed, and the ratios of one run: on a machine of two
cores the simulated Telegram, the bot and the database share what there is.

    python benchmarks/seen_beside_sales.py            # two minutes
    python benchmarks/seen_beside_sales.py --quick    # proves that everything runs
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

from dashboard_beside_sales import sell

from neonpay.simulator import RunningClock, Simulator
from neonpay.testing.postgres import throwaway_postgres

_SHOP = Path(__file__).parent / "contenders" / "seen_shop.py"
_RATES = {"sqlite": (0, 1_000), "postgresql": (0, 5_000)}


def main() -> int:
    """Measure and print; 1 when a checkout was not answered within Telegram's ten seconds."""
    arguments = _arguments()
    print(f"{arguments.checkouts_per_s} checkouts a second for {arguments.seconds} s")
    print(
        f"{'database':12}{'updates/s':>10}{'told':>10}{'written':>10}{'shed':>8}{'µs each':>9}"
        f"{'median, ms':>12}{'95 %, ms':>10}{'too late':>10}{'of alone':>10}"
    )
    late = 0
    for engine, rates in _RATES.items():
        alone: float | None = None
        for rate in rates:
            answered_s, missed, became = asyncio.run(_measure(engine, rate, arguments))
            p50, p95 = [1000 * part for part in (quantiles(answered_s, n=100)[place] for place in (49, 94))]
            alone = p95 if alone is None else alone
            each_us = 1e6 * became["took_s"] / became["told"] if became["told"] else 0.0
            print(
                f"{engine:12}{rate:10,}{became['told']:10,}{became['written']:10,}{became['shed']:8,}{each_us:9.2f}"
                f"{p50:12.1f}{p95:10.1f}{missed:10}{p95 / alone:9.2f}x",
                flush=True,
            )
            late += missed
    return 1 if late else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Checkout answers of a bot that counts what people do.")
    parser.add_argument("--checkouts-per-s", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.checkouts_per_s, arguments.seconds = 10, 3
    return arguments


async def _measure(
    engine: str, rate: int, arguments: argparse.Namespace
) -> tuple[Sequence[float], int, dict[str, Any]]:
    """Seconds from the press of Pay to the bot's answer, how many got none in time, and what became of the updates."""
    with _database(engine) as url:
        async with Simulator(seed=1, clock=RunningClock()) as telegram:
            account = telegram.bot("shop_bot")
            buyers = arguments.checkouts_per_s * arguments.seconds
            command = [str(_SHOP), telegram.base_url, account.token, url, str(buyers), str(rate)]
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, stdout=asyncio.subprocess.PIPE, limit=2**24
            )
            assert process.stdout is not None
            ready = json.loads(await process.stdout.readline())
            answered_s, missed = await sell(telegram, ready["links"], 1 / arguments.checkouts_per_s)
            process.terminate()
            became, _ = await process.communicate()
            return answered_s, missed, json.loads(became)


@contextmanager
def _database(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="neonpay-seen-") as folder:
            yield f"sqlite:///{folder}/shop.db"
        return
    with throwaway_postgres() as server:
        yield server.create_database()


if __name__ == "__main__":
    sys.exit(main())
