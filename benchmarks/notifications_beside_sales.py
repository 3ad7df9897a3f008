"""Checkouts while ten thousand messages go out: how long the answers take without them, with them, and when nobody takes them.

A real aiogram bot on a simulated Telegram sells a steady number of times a second. It is measured alone; while messages that
wait in its ledger are posted to a program that takes them; and while that program takes the connection and never answers. What
counts are the ratios of one run: on a machine of two cores the simulated Telegram, the bot and the program share what there is.

    python benchmarks/notifications_beside_sales.py            # two minutes
    python benchmarks/notifications_beside_sales.py --quick    # proves that everything runs
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from aiohttp import web
from dashboard_beside_sales import running, sell

from neonpay.simulator import RunningClock, Simulator

_SHOP = Path(__file__).parent / "contenders" / "notifications_shop.py"
_WAYS = ("none", "taken", "hanging")


@dataclass(slots=True)
class _Program:
    """What is posted to."""

    hangs: bool
    url: str = ""
    taken: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        await request.read()
        self.taken += 1
        if self.hangs:
            await asyncio.Event().wait()
        return web.Response(text="ok")


def main() -> int:
    """Measure and print; 1 when a checkout was not answered within Telegram's ten seconds."""
    arguments = _arguments()
    print(f"{arguments.per_s} checkouts a second for {arguments.seconds} s, {arguments.messages:,} messages wait")
    print(
        f"{'messages':10}{'posted':>9}{'median, ms':>12}{'95 %, ms':>12}{'99 %, ms':>12}{'too late':>10}{'of alone':>10}"
    )
    alone: float | None = None
    late = 0
    for way in _WAYS:
        answered_s, missed, posted = asyncio.run(_measure(way, arguments))
        p50, p95, p99 = [1000 * part for part in (quantiles(answered_s, n=100)[place] for place in (49, 94, 98))]
        alone = p95 if alone is None else alone
        print(f"{way:10}{posted:9}{p50:12.1f}{p95:12.1f}{p99:12.1f}{missed:10}{p95 / alone:9.2f}x", flush=True)
        late += missed
    return 1 if late else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Checkout answers beside messages that go out.")
    parser.add_argument("--per-s", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.per_s, arguments.seconds, arguments.messages = 10, 3, 200
    return arguments


async def _measure(way: str, arguments: argparse.Namespace) -> tuple[Sequence[float], int, int]:
    """Seconds from the press of Pay to the bot's answer, how many got none in time, and how many messages were posted."""
    with tempfile.TemporaryDirectory(prefix="neonpay-beside-") as folder:
        async with Simulator(seed=1, clock=RunningClock()) as telegram, AsyncExitStack() as stack:
            account = telegram.bot("shop_bot")
            program = await stack.enter_async_context(_served(hangs=way == "hanging"))
            messages = 0 if way == "none" else arguments.messages
            buyers = arguments.per_s * arguments.seconds
            shop = [str(_SHOP), telegram.base_url, account.token, f"sqlite:///{folder}/shop.db"]
            lines = await stack.enter_async_context(running([*shop, str(buyers), str(messages), program.url]))
            ready = json.loads(await anext(lines))
            answered_s, missed = await sell(telegram, ready["links"], 1 / arguments.per_s)
            return answered_s, missed, program.taken


@asynccontextmanager
async def _served(*, hangs: bool) -> AsyncIterator[_Program]:
    program, app = _Program(hangs), web.Application()
    app.router.add_post("/{tail:.*}", program.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    program.url = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        yield program
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
