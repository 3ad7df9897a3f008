"""``neonpay listen``: a program that is being written hears of what happens, and Ctrl-C ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

from aiohttp import web

from neonpay._version import __version__
from neonpay.core.webhook_signing import keys_of, verify

if TYPE_CHECKING:
    from tests.integration.conftest import Shop
    from tests.integration.notifications.conftest import Receiver


async def test_what_happens_is_posted_once_and_signed_until_somebody_stops_it(
    shop: Shop, database_url: str, receiver: Receiver
) -> None:
    receiver.answers += [web.Response(status=500, text="NameError"), web.Response(status=307, text="elsewhere")]
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("NEONPAY_")}
    async with shop.polling(), asyncio.timeout(100):
        ann = await shop.visitor("Ann")
        await shop.neonpay.send_payment(ann.id, "vip")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "neonpay", "listen", "--events", "invoice_created"),
            *("--forward-to", f"{receiver.url}/hook"),
            env={**inherited, "NEONPAY_DATABASE_URL": database_url},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        said = [(await process.stdout.readline()).decode() for _ in range(3)]
        for _ in range(3):
            await shop.sells(ann)
        posts = await receiver.has(3)
        lines = [(await process.stdout.readline()).decode() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        rest, _ = await process.communicate()
    assert (process.returncode, rest) == (0, b"")
    secret = said[1].split()[-1]
    events = [event.event_id for event in shop.named("invoice_created")[1:]]
    assert [json.loads(post.body)["data"]["event_id"] for post in posts] == events
    for post in posts:
        headers = {name.lower(): value for name, value in post.headers.items()}
        verify(keys_of(secret), headers, post.body, int(headers["webhook-timestamp"]))
        assert headers["user-agent"] == f"neonpay/{__version__}"
    assert [event in line for event, line in zip(events, lines, strict=True)] == [True, True, True]
    assert ("  500 in " in lines[0], ": NameError\n" in lines[0], "  200 in " in lines[2]) == (True, True, True)
    assert ("  307 in " in lines[1], lines[1].endswith(": a redirect, which is not followed\n")) == (True, True)
