"""Two thousand people press Pay in the same moment: how many get their answer within Telegram's ten seconds.

The simulated Telegram runs in this process with a clock that runs, so that its deadline is ten seconds of wall time; the
bot is real aiogram in a process of its own. Every answer costs a call over HTTP, and everybody who is let through pays at
once, so that payments are recorded and delivered while others still wait. ``polling-in-turn`` is aiogram with
``handle_as_tasks=False``; ``bare`` is aiogram alone, which lets everybody through without a look.

    python benchmarks/checkout_burst.py            # a few minutes
    python benchmarks/checkout_burst.py --quick    # proves that everything runs
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from neonpay.simulator import RunningClock, Simulator
from neonpay.testing.postgres import throwaway_postgres

_HERE = Path(__file__).parents[1]
_ENGINES = ("bare", "sqlite", "postgresql")
_UPDATES = ("polling", "polling-in-turn", "webhook")
_PATIENCE_S = 60.0


def main() -> int:
    """Measure and print; 1 when somebody was not answered in time by a shop that polls as aiogram does by itself."""
    arguments = _arguments()
    buyers: int = 100 if arguments.quick else arguments.buyers
    print(f"{buyers} checkouts at once")
    print(
        f"{'database':11} {'updates':16} {'answered in 10 s':>16} {'half by':>8} {'99 % by':>8} {'last by':>8}  outcomes"
    )
    all_in_time = True
    with throwaway_postgres() as server, tempfile.TemporaryDirectory(prefix="neonpay-burst-") as folder:
        for updates in _UPDATES:
            for engine in _ENGINES:
                if arguments.only not in f"{engine} {updates}":
                    continue
                urls = {"sqlite": f"sqlite:///{folder}/{updates}.db", "bare": "bare"}
                url = urls.get(engine) or server.create_database()
                answered_s, outcomes, _ = asyncio.run(burst(url, updates, buyers))
                _show(engine, updates, answered_s, outcomes, buyers)
                if updates == "polling":
                    all_in_time = all_in_time and outcomes["paid"] == buyers
    return 0 if all_in_time else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Checkout answers under a burst.")
    parser.add_argument("--buyers", type=int, default=2000, help="how many press Pay in the same moment")
    parser.add_argument("--quick", action="store_true", help="a hundred of them")
    parser.add_argument("--only", default="", help="part of what a line begins with, such as 'sqlite webhook'")
    return parser.parse_args()


class Burst(NamedTuple):
    """What became of a burst.

    Attributes:
        answered_s: seconds from the press of Pay to the bot's word, for those who got it, in order.
        outcomes: how the payments ended.
        cpu_s: processor time that the shop has taken, where the system tells (Linux).
    """

    answered_s: list[float]
    outcomes: Counter[str]
    cpu_s: float


async def burst(url: str, updates: str, buyers: int, tree: Path = _HERE) -> Burst:
    """Have everybody press Pay in the same moment, in the shop of this tree or of another one."""
    shop_of_tree = str(tree / "benchmarks" / "contenders" / "checkout_shop.py")
    async with Simulator(seed=1, clock=RunningClock()) as telegram:
        account = telegram.bot("shop_bot")
        command = [shop_of_tree, telegram.base_url, account.token, url, updates, str(buyers)]
        shop = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdout=asyncio.subprocess.PIPE,
            limit=2**24,
            env={**os.environ, "PYTHONPATH": str(tree)},
        )
        try:
            assert shop.stdout is not None
            ready = json.loads(await shop.stdout.readline())
            if ready["url"] is not None:
                await telegram.post_to(account, ready["url"])
            people = [telegram.user(f"Buyer {number}", stars=1000) for number in range(buyers)]
            forms = [await buyer.opens(link) for buyer, link in zip(people, ready["links"], strict=True)]
            began, cpu_s = {}, _cpu_s(shop.pid)
            for buyer, form in zip(people, forms, strict=True):
                began[await buyer.begins_to_pay(form)] = time.monotonic()
            waiting, answered_s = set(began), []

            def ended() -> bool:
                now = time.monotonic()
                for checkout in [checkout for checkout in waiting if checkout.result is not None]:
                    waiting.discard(checkout)
                    if checkout.result is not None and checkout.result.status != "timed_out":
                        answered_s.append(now - began[checkout])
                return not waiting

            await telegram.until(ended, timeout_s=_PATIENCE_S, what="every checkout to end")
            cpu_s = _cpu_s(shop.pid) - cpu_s
            outcomes = Counter(str(checkout.result.status) for checkout in began if checkout.result is not None)
        finally:
            shop.terminate()
            await shop.wait()
        return Burst(sorted(answered_s), outcomes, cpu_s)


def _cpu_s(pid: int) -> float:
    file = Path("/proc", str(pid), "stat")
    if not file.exists():
        return 0.0
    fields = file.read_text().rpartition(")")[2].split()  # a name may have spaces in it; proc_pid_stat(5)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(engine: str, updates: str, answered_s: Sequence[float], outcomes: Counter[str], buyers: int) -> None:
    share = 100 * len(answered_s) / buyers
    by = [f"{answered_s[min(len(answered_s) - 1, int(part * len(answered_s)))]:.1f} s" for part in (0.5, 0.99, 1.0)]
    words = ", ".join(f"{times} {outcome}" for outcome, times in sorted(outcomes.items()))
    print(f"{engine:11} {updates:16} {share:14.1f} % {by[0]:>8} {by[1]:>8} {by[2]:>8}  {words}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
