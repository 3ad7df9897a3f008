"""``neonpay listen`` while the shop and its database are stopped and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

from neonpay.simulator import Simulator
from tests.failure.conftest import MortalShop
from tests.failure.proving.servers import mortal_postgres
from tests.failure.test_notifications import buys, told_program

if TYPE_CHECKING:
    from tests.failure.proving.nursery import Nursery


async def test_it_says_what_it_waits_for_and_goes_on(nursery: Nursery) -> None:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("NEONPAY_")}
    with mortal_postgres() as server:
        url = server.databases.create_database()
        async with Simulator(seed=7) as telegram, told_program() as (hook, got), asyncio.timeout(120):
            shop = MortalShop(telegram, telegram.bot("shop_bot"), url, nursery)
            await shop.opens()
            await shop.starts(handlers=("credit",))
            await buys(shop)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "neonpay", "listen", "--events", "payment_completed", "--forward-to", hook),
                env={**inherited, "NEONPAY_DATABASE_URL": url},
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            begins = [(await process.stdout.readline()).decode() for _ in range(3)]
            charges = [await buys(shop)]
            lines = [(await process.stdout.readline()).decode()]
            await shop.stops()
            server.kill()
            lines.append((await process.stdout.readline()).decode())
            await server.revive()
            lines.append((await process.stdout.readline()).decode())
            await shop.starts(handlers=("credit",))
            charges.append(await buys(shop))
            lines.append((await process.stdout.readline()).decode())
            process.send_signal(signal.SIGINT)
            rest, _ = await process.communicate()
            await shop.aclose()

    assert begins[2] == "Ready.\n"
    assert [charge_id for _, charge_id in got] == charges
    assert ("  200 in " in lines[0], "  200 in " in lines[3]) == (True, True)
    assert lines[1].startswith("Waiting for the database: ")
    assert lines[2] == "The database is there again.\n"
    assert (process.returncode, rest) == (0, b""), json.dumps(lines)
