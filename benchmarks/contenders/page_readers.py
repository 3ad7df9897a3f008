"""People who look at the pages of a dashboard one after another, without a pause, until they are stopped."""

from __future__ import annotations

import asyncio
import itertools
import sys

import aiohttp

PAGES = (
    "/",
    "/revenue",
    "/payments",
    "/subscriptions",
    "/customers",
    "/products",
    "/funnel",
    "/reconciliation",
    "/refunds",
)


async def main(url: str, people: int) -> None:
    """Read; a page that does not come ends it."""
    async with aiohttp.ClientSession(url) as http, asyncio.TaskGroup() as together:
        for first in range(people):
            together.create_task(_read(http, first))


async def _read(http: aiohttp.ClientSession, first: int) -> None:
    for page in itertools.count(first):
        async with http.get(PAGES[page % len(PAGES)], params={"period": "30d"}) as answer:
            answer.raise_for_status()
            await answer.read()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
