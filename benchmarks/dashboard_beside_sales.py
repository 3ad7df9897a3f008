"""Checkouts while others look at the dashboard: how long the answers take without it, and with eight readers of its pages.

A real aiogram bot on a simulated Telegram sells a steady number of times a second from a ledger that has sold for a year. It is
measured alone; with the dashboard in its own process and eight readers who go from page to page without a pause; and with the
same dashboard in a process beside it. What counts are the ratios of one run: on a machine of two cores the simulated Telegram,
the bot and the readers share what there is.

    python benchmarks/dashboard_beside_sales.py            # two minutes
    python benchmarks/dashboard_beside_sales.py --quick    # proves that everything runs
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import quantiles

from big_ledger import fill

from neonpay.analytics import reports_of
from neonpay.ledger import open_ledger
from neonpay.simulator import RunningClock, Simulator

_SCRIPTS = Path(__file__).parent / "contenders"
_WHERE = ("none", "inside", "beside")
_PATIENCE_S = 60.0
_ANSWER_S = 10.0


def main() -> int:
    """Measure and print; 1 when a checkout was not answered within Telegram's ten seconds."""
    arguments = _arguments()
    print(
        f"{arguments.per_s} checkouts a second for {arguments.seconds} s, {arguments.payments:,} payments in the ledger"
    )
    print(
        f"{'dashboard':10}{'readers':>9}{'median, ms':>12}{'95 %, ms':>12}{'99 %, ms':>12}{'too late':>10}{'of alone':>10}"
    )
    alone: float | None = None
    late = 0
    for where in _WHERE:
        answered_s, missed = asyncio.run(_measure(where, arguments))
        p50, p95, p99 = [1000 * part for part in (quantiles(answered_s, n=100)[place] for place in (49, 94, 98))]
        alone = p95 if alone is None else alone
        readers = 0 if where == "none" else arguments.readers
        print(f"{where:10}{readers:9}{p50:12.1f}{p95:12.1f}{p99:12.1f}{missed:10}{p95 / alone:9.2f}x", flush=True)
        late += missed
    return 1 if late else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Checkout answers beside a dashboard.")
    parser.add_argument("--per-s", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--payments", type=int, default=20_000, help="what the ledger has sold before")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.per_s, arguments.seconds, arguments.payments = 10, 3, 500
    return arguments


async def _measure(where: str, arguments: argparse.Namespace) -> tuple[Sequence[float], int]:
    """Seconds from the press of Pay to the bot's answer, and how many got none in time."""
    with tempfile.TemporaryDirectory(prefix="neonpay-beside-") as folder:
        url = f"sqlite:///{folder}/shop.db"
        async with Simulator(seed=1, clock=RunningClock()) as telegram, AsyncExitStack() as stack:
            account = telegram.bot("shop_bot")
            await _fill(url, arguments.payments, account.id)
            buyers = arguments.per_s * arguments.seconds
            shop = [str(_SCRIPTS / "dashboard_shop.py"), telegram.base_url, account.token, url]
            shop += ["none" if where == "beside" else where, str(buyers)]
            lines = await stack.enter_async_context(running(shop))
            ready = json.loads(await anext(lines))
            pages = ready["url"]
            if where == "beside":
                command = ["-m", "neonpay", "dashboard", "--port", "0", "--database", url, "--bot", str(account.id)]
                beside = await stack.enter_async_context(running(command))
                pages = await _address(beside)
            if pages is not None:
                await stack.enter_async_context(
                    running([str(_SCRIPTS / "page_readers.py"), pages, str(arguments.readers)])
                )
            return await sell(telegram, ready["links"], 1 / arguments.per_s)


async def _fill(url: str, payments: int, bot_id: int) -> None:
    ledger = open_ledger(url)
    await ledger.open()
    await ledger.close()
    await fill(url, payments, time.time_ns() // 1000, bot_id=bot_id)
    ledger = open_ledger(url)
    await ledger.open()
    await reports_of(ledger, bots=[bot_id]).refresh()
    await ledger.close()


async def sell(telegram: Simulator, links: Sequence[str], every_s: float) -> tuple[list[float], int]:
    """Seconds from the press of Pay to the bot's answer for a buyer of each link, and how many got none in time."""
    people = [telegram.user(f"Buyer {number}", stars=1000) for number in range(len(links))]
    forms = [await buyer.opens(link) for buyer, link in zip(people, links, strict=True)]
    answered_s: list[float] = []
    began_s = time.monotonic()

    async def sell_at(place: int) -> bool:
        await asyncio.sleep(max(0.0, began_s + place * every_s - time.monotonic()))
        pressed_s = time.monotonic()
        checkout = await people[place].begins_to_pay(forms[place])
        outcome = await telegram.until(lambda: checkout.result, timeout_s=_PATIENCE_S, what="a checkout to end")
        answered_s.append(time.monotonic() - pressed_s)
        return outcome.status == "paid" and answered_s[-1] < _ANSWER_S

    in_time = await asyncio.gather(*[sell_at(place) for place in range(len(links))])
    return answered_s, in_time.count(False)


@asynccontextmanager
async def running(command: Sequence[str]) -> AsyncIterator[AsyncIterator[bytes]]:
    """A program of this interpreter inside the block; the lines that it writes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, limit=2**24
    )
    try:
        assert process.stdout is not None
        yield aiter(process.stdout)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _address(lines: AsyncIterator[bytes]) -> str:
    """Where the command says that its pages are."""
    async for line in lines:
        for word in line.decode().split():
            if word.startswith("http://"):
                return word.rstrip(".")
    raise AssertionError("the dashboard did not say where it is")


if __name__ == "__main__":
    sys.exit(main())
