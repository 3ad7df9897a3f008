"""Three bots and a centre as programs: whatever dies, is sent twice, forged or replayed, the sums are exact."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from neonpay.core.clock import moment
from neonpay.core.webhook_signing import keys_of, new_secret, sign

PROGRAMS = Path(__file__).parent / "collecting"
SECRET, ANOTHER = new_secret(lambda n: b"s" * n), new_secret(lambda n: b"x" * n)
BOTS = {"alpha": 150, "beta": 200, "gamma": 250}


async def start(program: str, *arguments: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAMS / program), *map(str, arguments), stdout=asyncio.subprocess.PIPE
    )


async def says(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None
    while word not in (line := (await process.stdout.readline()).decode()):
        assert line, f"the program ended without a word of {word!r}"


async def dies(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    await process.communicate()


def signed(batch: dict[str, Any], *, secret: str = SECRET, ago_s: int = 0) -> tuple[bytes, dict[str, str]]:
    body = gzip.compress(json.dumps(batch).encode())
    at_s = int(time.time()) - ago_s  # noqa: TID251  # programs have the machine's clock
    return body, {"Content-Type": "application/gzip", **sign(keys_of(secret), "msg", at_s, body)}


@pytest.mark.timeout(300)  # a dozen programs start
async def test_the_sums_are_exact_whatever_dies_and_whoever_forges(database_url: str, tmp_path: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    of_bot = {name: (name, count, url, SECRET, f"sqlite:///{tmp_path / name}.db") for name, count in BOTS.items()}
    running: list[asyncio.subprocess.Process] = []

    async def run(program: str, *arguments: object) -> asyncio.subprocess.Process:
        running.append(await start(program, *arguments))
        return running[-1]

    try:
        # The centre is dead. All tell; beta is killed, and tells everything again when it is back.
        bots = {name: await run("bot.py", *of_bot[name]) for name in BOTS}
        for bot in bots.values():
            await says(bot, "told")
        await dies(bots["beta"])
        # Gamma is killed after the centre has kept a batch and before it has heard of that.
        await dies(bots["gamma"])
        centre = await run("centre.py", port, SECRET, database_url)
        await says(centre, "dashboard")
        killed = await run("bot.py", *of_bot["gamma"], "killed")
        await killed.communicate()
        assert killed.returncode == -signal.SIGKILL
        # The centre is killed, too, and another one takes its place.
        await dies(centre)
        bots |= {name: await run("bot.py", *of_bot[name]) for name in ("beta", "gamma")}
        for name in ("beta", "gamma"):
            await says(bots[name], "told")
        centre = await run("centre.py", port, SECRET, database_url)
        await says(centre, "dashboard")
        for bot in bots.values():
            await bot.communicate()
            assert bot.returncode == 0
        async with aiohttp.ClientSession(url) as session:
            await try_to_deceive(session)
            async with session.get("/analytics/query?days=1") as answer:
                found_figures = await answer.json()
            async with session.get("/analytics/status") as answer:
                status = await answer.json()
    finally:
        for process in running:
            await dies(process)
    assert {bot["alias"]: (bot["events"], bot["payments"], bot["revenue_stars"]) for bot in found_figures["bots"]} == {
        name: (count, count // 5, sum(range(0, count, 5))) for name, count in BOTS.items()
    }
    assert {bot["alias"]: bot["events"] for bot in status["bots"]} == BOTS
    assert all(bot["repeated"] > 0 for bot in status["bots"]), "each has sent something more than once"
    assert status["refused_batches"] == 2


async def try_to_deceive(session: aiohttp.ClientSession) -> None:
    """Forge a batch, replay an old one, and send one that is there once more."""
    at = moment(time.time_ns() // 1000).isoformat()  # noqa: TID251
    event = {"event_id": "forged", "kind": "payment_completed", "at": at, "stars": 1_000_000}
    batch = {"bot_id": "alpha", "sent_at": at, "events": [event]}
    again = {**batch, "events": [{**event, "event_id": "alpha-0", "stars": 5}]}
    for (body, headers), wanted in (
        (signed(batch, secret=ANOTHER), 401),
        (signed(batch, ago_s=3600), 401),
        (signed(again), 200),
    ):
        async with session.post("/analytics/collect", data=body, headers=headers) as answer:
            assert answer.status == wanted
            if wanted == 200:
                assert (await answer.json())["new"] == 0
