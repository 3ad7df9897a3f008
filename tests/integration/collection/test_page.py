"""The programs of docs/howto/many-bots.md, run as they are printed: a centre, a shop, and a program without a ledger."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.unit.docs.blocks import programs

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_the_programs_of_the_page_find_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    used: list[Any] = []

    class Shop:
        def use(self, extension: Any) -> None:
            used.append(extension)

    there: dict[str, Any] = {"__name__": "page", "neonpay": Shop()}
    for program in programs("docs/howto/many-bots.md"):
        exec(program.source.replace("8081", port), there)  # noqa: S102  # the page's own code
    serving = asyncio.create_task(there["serve_centre"]())
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        while not await answers(session):
            assert not serving.done()
        await there["tell_the_centre"]()
        async with session.get("/analytics/query?days=30") as answer:
            (bot,) = (await answer.json())["bots"]
    serving.cancel()
    await asyncio.wait({serving})
    assert (bot["alias"], bot["name"], bot["events_by_kind"]) == ("support_bot", "Support Bot", {"product_view": 1})
    assert [extension.name for extension in used] == ["tracking", "collection"]


async def answers(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("/health") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        await asyncio.sleep(0.05)
        return False
