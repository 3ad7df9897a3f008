"""A program that is killed between sending a message and noting that it did sends it once more, under the same key."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import tempfile
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiohttp import web
from typer.testing import CliRunner

from neonpay.cli.main import app
from neonpay.ledger.tables import events
from neonpay.ledger.tables_notifications import notifications
from tests.failure.proving.balancer import Balancer
from tests.failure.proving.life import Life

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from neonpay.ledger import Transaction
    from neonpay.simulator import Buyer
    from tests.failure.conftest import MortalShop
    from tests.failure.proving.nursery import Process

UNHEARD_S = 200.0
"""So long after a claim of which no end was heard a note is tried again, and more."""


async def buys(shop: MortalShop) -> str:
    ann = await shop.visitor()
    await ann.says("/buy", to=shop.account)
    outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda message: message.invoice is not None))
    return outcome.charge_id or ""


Noted = tuple[str, str, int]
"""Id, state and attempts of a message about a sale."""


def look(transaction: Transaction) -> tuple[int, list[Noted]]:
    """How many sales there were, and what is to be told of them."""
    row, of = notifications.c, events.c
    sales = sa.select(sa.func.count()).where(of.name == "payment_completed")
    query = sa.select(row.note_id, row.state, row.attempts).where(row.kind == "payment_completed")
    rows = transaction.connection.execute(query.order_by(row.note_id)).all()
    return transaction.connection.execute(sales).scalar_one(), [(one[0], one[1], one[2]) for one in rows]


async def notes(shop: MortalShop, *, each: int = 1, bought: int = 1) -> list[Noted]:
    """What was told, once so many sales are recorded, there are so many messages about each and none waits."""
    sales = 0
    found: list[Noted] = []
    try:
        async with asyncio.timeout(100):
            while sales < bought or len(found) < each * sales or any(state == "waiting" for _, state, _ in found):
                sales, found = await shop.read(look)
    except TimeoutError:
        pytest.fail(f"of {sales} sales there are {found}")
    return found


def sold(shop: MortalShop, owner: Buyer) -> int:
    return sum("Sold" in (message.text or "") for message in owner.messages(shop.account))


@asynccontextmanager
async def told_program(
    at_first: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[tuple[str, list[tuple[str, str]]]]:
    """The address of a program that is told, and what it got: the id of each post and the charge that it is about."""
    got: list[tuple[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        told = json.loads(await request.read())
        got.append((request.headers["webhook-id"], told["data"]["charge_id"]))
        if len(got) == 1 and at_first is not None:
            await at_first()
        return web.Response()

    served = web.Application()
    served.router.add_post("/hook", take)
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}/hook", got
    finally:
        await runner.cleanup()


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
    ((note_id, state, attempts),) = await notes(shop)
    env = {"NEONPAY_DATABASE_URL": shop.database_url, "COLUMNS": "200"}
    command = ["notifications", "log", note_id]
    log = await asyncio.to_thread(CliRunner().invoke, app, command, env=env)
    as_json = await asyncio.to_thread(CliRunner().invoke, app, [*command, "--json"], env=env)

    assert sold(shop, owner) == told
    assert (state, attempts) == ("sent", 2)
    first, second = [line for line in log.output.splitlines() if re.match(r" *[12] ", line)]
    assert ("it may have arrived" in first, "taken" in second) == (True, True)
    unheard, taken = json.loads(as_json.output)["tries"]
    assert (unheard["attempt"], unheard["at"], "it may have arrived" in unheard["error"]) == (1, None, True)
    assert (taken["attempt"], taken["error"]) == (2, None)


async def test_a_program_that_is_told_twice_can_tell_by_the_id(shop: MortalShop) -> None:
    async def dies() -> None:
        """It has been sent and taken, and the sender never hears of that."""
        assert shop.process is not None
        await shop.process.stops(signal.SIGKILL)

    async with told_program(at_first=dies) as (url, got):
        life = {"told_url": url, "handlers": ()}
        await shop.starts(**life)
        charge_id = await buys(shop)
        await shop.dies()

        await shop.starts(ahead_s=UNHEARD_S, **life)
        [(note_id, state, attempts)] = await notes(shop)

    assert got == [(note_id, charge_id)] * 2
    assert (state, attempts) == ("sent", 2)


@dataclass
class Couple:
    """Two programs of one shop on one database, each of which may record a sale and tell of it."""

    shop: MortalShop
    folder: Path
    settings: dict[str, Any]

    async def starts(self, slot: int, **settings: Any) -> Process:
        """A program that listens; Telegram does not come again by itself to one that does not yet."""
        socket = self.folder / f"{slot}"
        socket.unlink(missing_ok=True)
        process = await self.shop.nursery.start(
            Life(
                token=self.shop.account.token,
                base_url=self.shop.telegram.base_url,
                database_url=self.shop.database_url,
                socket_path=str(socket),
                **{"handlers": (), "thanks": False, **self.settings, **settings},
            )
        )
        while True:
            with suppress(FileNotFoundError, ConnectionRefusedError):
                _, writer = await asyncio.open_unix_connection(socket)
                writer.close()
                return process


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's tmp_path: the path of a Unix socket has to stay under 108 bytes.
    folder = Path(tempfile.mkdtemp(prefix="neonpay-two-"))
    yield folder
    shutil.rmtree(folder)


async def test_two_programs_share_what_is_told_and_each_event_goes_out_once(shop: MortalShop, folder: Path) -> None:
    owner = await shop.visitor("Olga")
    random = Random(7)  # noqa: S311 - the same choices each time
    async with (
        told_program() as (url, got),
        Balancer([folder / "0", folder / "1"], random=random, lost_share=0) as network,
    ):
        couple = Couple(shop, folder, {"owners": (owner.id,), "told_url": url, "handlers": ("credit",)})
        programs = [await couple.starts(slot) for slot in range(2)]
        await shop.telegram.post_to(shop.account, network.url)
        charges = await asyncio.gather(*[buys(shop) for _ in range(16)])
        found = await notes(shop, each=2, bought=len(charges))
        for program in programs:
            await program.stops()

    assert sorted(charge_id for _, charge_id in got) == sorted(charges)
    assert len({note_id for note_id, _ in got}) == len(charges)
    assert sold(shop, owner) == len(charges)
    assert [(state, attempts) for _, state, attempts in found] == [("sent", 1)] * (2 * len(charges))


async def test_of_two_programs_one_goes_on_with_what_the_other_died_of(shop: MortalShop, folder: Path) -> None:
    owner = await shop.visitor("Olga")
    couple = Couple(shop, folder, {"owners": (owner.id,), "handlers": ("credit",)})
    # Only one of them hears of updates, and it looks first for what it has written itself.
    async with Balancer([folder / "0"], random=Random(7), lost_share=0) as network:  # noqa: S311
        mortal, other = await couple.starts(0, crash_at="after sendMessage"), await couple.starts(1, poll_s=5.0)
        await shop.telegram.post_to(shop.account, network.url)
        dying, buying = asyncio.ensure_future(mortal.dies()), []
        while not dying.done():
            # The other one may happen to look just when something was sold; then it tells of that, and one more is.
            buying.append(asyncio.ensure_future(buys(shop)))
            await asyncio.wait({dying}, timeout=10)
        for one in buying:
            one.cancel()
        await asyncio.gather(*buying, return_exceptions=True)
        other.gets(signal.SIGUSR1)  # an hour on: leases have run out
        found = await notes(shop)
        await other.stops()

    assert sorted((state, attempts) for _, state, attempts in found) == [("sent", 1)] * (len(found) - 1) + [("sent", 2)]
    assert sold(shop, owner) == len(found) + 1
