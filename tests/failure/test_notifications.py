"""A program that is killed between sending a message and noting that it did sends it once more, under the same key."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from aiohttp import web

from neonpay.ledger.tables_notifications import notifications

if TYPE_CHECKING:
    from neonpay.ledger import Transaction
    from neonpay.simulator import Buyer
    from tests.failure.conftest import MortalShop

UNHEARD_S = 200.0
"""So long after a claim of which no end was heard a note is tried again, and more."""


async def buys(shop: MortalShop) -> str:
    ann = await shop.visitor()
    await ann.says("/buy", to=shop.account)
    outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda message: message.invoice is not None))
    return outcome.charge_id or ""


async def notes(shop: MortalShop) -> list[tuple[str, str, int]]:
    """Id, state and attempts of each, once none waits."""

    def read(transaction: Transaction) -> list[tuple[str, str, int]]:
        row = notifications.c
        query = sa.select(row.note_id, row.state, row.attempts).order_by(row.note_id)
        return [tuple(found) for found in transaction.connection.execute(query).all()]

    found: list[tuple[str, str, int]] = []
    async with asyncio.timeout(100):
        while not found or any(state == "waiting" for _, state, _ in found):
            found = await shop.read(read)
    return found


def sold(shop: MortalShop, owner: Buyer) -> int:
    return sum("Sold" in (message.text or "") for message in owner.messages(shop.account))


@pytest.mark.parametrize(("point", "told"), [("before sendMessage", 1), ("after sendMessage", 2)])
async def test_an_owner_is_told_at_least_once_whenever_the_program_dies(
    shop: MortalShop, point: str, told: int
) -> None:
    owner = await shop.visitor("Olga")
    life = {"owners": (owner.id,), "handlers": (), "thanks": False}
    await shop.starts(crash_at=point, **life)
    await buys(shop)
    await shop.dies()

    await shop.starts(ahead_s=UNHEARD_S, **life)
    found = await notes(shop)

    assert sold(shop, owner) == told
    assert [(state, attempts) for _, state, attempts in found] == [("sent", 2)]


async def test_a_program_that_is_told_twice_can_tell_by_the_id(shop: MortalShop) -> None:
    got: list[tuple[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        told = json.loads(await request.read())
        got.append((request.headers["webhook-id"], told["data"]["charge_id"]))
        if len(got) == 1:
            assert shop.process is not None
            await shop.process.stops(signal.SIGKILL)  # it has been sent and taken, and the sender never hears of that
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    life = {"told_url": f"http://{host}:{port}/hook", "handlers": ()}
    await shop.starts(**life)
    charge_id = await buys(shop)
    await shop.dies()

    await shop.starts(ahead_s=UNHEARD_S, **life)
    [(note_id, state, attempts)] = await notes(shop)
    await runner.cleanup()

    assert got == [(note_id, charge_id)] * 2
    assert (state, attempts) == ("sent", 2)
