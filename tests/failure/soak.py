"""Sells and kills for as long as it takes: ``python -m tests.failure.soak`` or ``make soak``.

Rounds of all scenarios take turns, each with a database, a simulated Telegram and a seed of its own. After each of them the
ledger is compared, from outside, with what Telegram took and with what was delivered. It ends when there were enough payments
and enough kills, when the time is up, or at the first round that is not clean, and says how to repeat that round.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from time import monotonic

from tests.failure.pooler import pooled
from tests.failure.proving.nursery import Nursery
from tests.failure.proving.round import Round
from tests.failure.proving.scenario import SCENARIOS, Scenario
from tests.failure.proving.servers import MortalPostgres, mortal_postgres
from tests.failure.proving.tally import Tally

_PAYMENTS_PER_ROUND = 5000


def main() -> int:
    """Run, print, and return 1 when a Star was lost, doubled, or anything else was wrong."""
    wanted = _arguments()
    chosen = [scenario for scenario in SCENARIOS if wanted.only in f"{scenario.engine}: {scenario.name}"]
    if not chosen:
        print(f"no scenario is called like {wanted.only!r}", file=sys.stderr)
        return 2
    total, rounds, ends_at = Tally(), 0, monotonic() + 60 * wanted.minutes
    log_path = Path(tempfile.mkstemp(prefix="neonpay-soak-", suffix=".log")[1])
    with mortal_postgres() as server, log_path.open("w") as log, closing(Nursery(log=log)) as nursery:
        while (total.payments < wanted.payments or total.kills.total() < wanted.kills) and monotonic() < ends_at:
            scenario, seed = _scaled(chosen[rounds % len(chosen)], wanted), wanted.seed + rounds
            tally = asyncio.run(_run_round(scenario, seed, server, nursery))
            rounds += 1
            total.add(tally)
            _print_round(rounds, scenario, seed, tally)
            if not tally.is_clean:
                again = (
                    f"--seed {seed} --only '{scenario.engine}: {scenario.name}' --round-payments {scenario.payments}"
                )
                print(f"this round again: python -m tests.failure.soak --payments 1 --kills 1 {again}")
                print(f"what the shops had to say: {log_path}")
                break
        else:
            log_path.unlink()
    _print_total(total, rounds, wanted.seed)
    return 0 if total.is_clean else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Sell, kill, and count what was lost.")
    parser.add_argument("--payments", type=int, default=100_000, help="at least so many")
    parser.add_argument("--kills", type=int, default=1_000, help="at least so many killed shops")
    parser.add_argument("--minutes", type=float, default=120.0, help="no new round begins after so long")
    parser.add_argument("--seed", type=int, default=1, help="that of the first round; each next one has the next")
    parser.add_argument("--only", default="", help="part of the name of the scenarios to run, such as 'sqlite'")
    parser.add_argument("--round-payments", type=int, default=_PAYMENTS_PER_ROUND, help="payments of one round")
    return parser.parse_args()


def _scaled(scenario: Scenario, wanted: argparse.Namespace) -> Scenario:
    """The scenario in the size that was asked for; troubles other than kills shrink with it, but to no less than one."""
    size = wanted.round_payments / scenario.payments
    return replace(
        scenario,
        payments=wanted.round_payments,
        kills=max(2, round(scenario.kills * size)),
        **{
            name: max(1, round(times * size))
            for name in ("server_kills", "disk_fills", "clock_jumps")
            if (times := getattr(scenario, name))
        },
    )


async def _run_round(scenario: Scenario, seed: int, server: MortalPostgres, nursery: Nursery) -> Tally:
    folder = Path(tempfile.mkdtemp(prefix="neonpay-soak-"))
    try:
        return await _run(scenario, seed, server, nursery, folder)
    finally:
        shutil.rmtree(folder)


async def _run(scenario: Scenario, seed: int, server: MortalPostgres, nursery: Nursery, folder: Path) -> Tally:
    if scenario.engine == "sqlite":
        return await Round(scenario, nursery, f"sqlite:///{folder / 'shop.db'}", folder, seed).run()
    url = await asyncio.to_thread(server.databases.create_database)
    async with pooled(url, folder) if scenario.is_pooled else nullcontext(url) as reached_by:
        tally = await Round(scenario, nursery, reached_by, folder, seed, server=server).run()
    await asyncio.to_thread(server.databases.drop_database, url)
    return tally


def _print_round(number: int, scenario: Scenario, seed: int, tally: Tally) -> None:
    print(
        f"{number:3} {scenario.engine:10} {scenario.name:40} {tally.payments:6} payments {tally.kills.total():4} kills "
        f"{tally.lost} lost {tally.doubled} doubled {tally.recovered:4} recovered {tally.seconds:4.0f} s, seed {seed}",
        flush=True,
    )
    for words in tally.wrong:
        print(f"    {words}")


def _print_total(total: Tally, rounds: int, seed: int) -> None:
    per_s = total.payments / total.seconds if total.seconds else 0.0
    rows: Sequence[tuple[str, object]] = (
        ("seed of the first round", seed),
        ("rounds", rounds),
        ("minutes", f"{total.seconds / 60:.1f} ({per_s:.0f} payments a second)"),
        ("payments", f"{total.payments} ({total.refunded} refunded)"),
        ("kills", f"{total.kills.total()} ({_counts(total.kills)})"),
        ("PostgreSQL killed", total.server_kills),
        ("disk full", total.disk_fills),
        ("clocks jumped", total.clock_jumps),
        ("other faults", f"{sum(total.faults.values())} ({_counts(total.faults)})"),
        ("ends of checkouts", _counts(total.outcomes)),
        ("found by comparison", total.recovered),
        ("calls of a service", f"{total.calls}, {total.repeated} of them repeats"),
        ("lost", total.lost),
        ("doubled", total.doubled),
        ("other contradictions", len(total.wrong)),
    )
    print()
    for name, value in rows:
        print(f"{name:24} {value}")


def _counts(counted: dict[str, int]) -> str:
    return ", ".join(f"{times} {name}" for name, times in sorted(counted.items())) or "none"


if __name__ == "__main__":
    sys.exit(main())
