"""A page is made piece by piece, and what else the program does goes on between them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from neonpay.web.pace import TURN, Turn, Turns
from neonpay.web.rendering import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECES = 2_000


async def test_others_go_on_while_a_page_is_made() -> None:
    laps: list[int] = []
    made = 0

    async def others() -> None:
        while True:
            laps.append(made)
            await asyncio.sleep(0)

    def pieces() -> Iterator[str]:
        nonlocal made
        for number in range(PIECES):
            made = number
            yield f"{number} "

    going_on = asyncio.create_task(others())
    token = TURN.set(Turn(Turns([])))
    try:
        page = Page(pieces(), status=200, headers={})
        await page.make()
    finally:
        TURN.reset(token)
        going_on.cancel()
    assert page.text == "".join(f"{number} " for number in range(PIECES))
    assert len(set(laps)) >= PIECES // 200


async def test_a_page_that_is_made_again_stays_as_it_is() -> None:
    page = Page(iter(["one", "two"]), status=200, headers={})
    await page.make()
    await page.make()
    assert page.text == "onetwo"
