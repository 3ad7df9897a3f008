"""Run one_worker.py of a tree slice by slice, each when a line comes in: workers of two trees that take turns.

python benchmarks/worker_in_turns.py TREE URL FIRST_USER SLICES PAYMENTS_OF_A_SLICE IN_FLIGHT
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any


def main() -> None:
    """Offer as much as all slices need, then take slice after slice."""
    tree, url = sys.argv[1:3]
    first_user, slices, each, in_flight = map(int, sys.argv[3:])
    sys.path.insert(0, os.path.join(tree, "benchmarks", "contenders"))
    import one_worker  # that of the tree

    vars(one_worker)["_measure"] = _in_turns(slices)
    arguments = {"kind": "neonpay", "url": url, "first_user": first_user, "payments": slices * each}
    asyncio.run(one_worker.main(argparse.Namespace(**arguments, in_flight=in_flight)))


def _in_turns(slices: int) -> Callable[..., Awaitable[None]]:
    async def measure(
        items: Sequence[Any],
        take: Callable[[Any], Awaitable[None]],
        settled: Callable[[], Awaitable[None]],
        in_flight: int,
    ) -> None:
        each = len(items) // slices
        print("ready", flush=True)
        for number in range(slices):
            await asyncio.to_thread(sys.stdin.readline)
            waiting = iter(items[number * each : (number + 1) * each])
            began = time.perf_counter()

            async def host() -> None:
                for item in waiting:  # noqa: B023 - the hosts of a slice have ended before the next one
                    await take(item)

            await asyncio.gather(*[host() for _ in range(in_flight)])
            if number == slices - 1:
                await settled()
            print(time.perf_counter() - began, flush=True)
        await asyncio.to_thread(sys.stdin.readline)

    return measure


if __name__ == "__main__":
    main()
