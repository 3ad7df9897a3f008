"""Every example shop keeps the promises that the demo looks at: killed halfway, paid twice, refunded."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from neonpay.cli.demo.command import play

# Each process of a shop loads a bot library, which takes seconds on a slow machine.
pytestmark = [pytest.mark.build, pytest.mark.timeout(300)]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# The demo itself plays aiogram's, and test_mtproto_examples those that have no wire to a simulator in another process.
_ELSEWHERE = {"aiogram_shop.py", "hydrogram_shop.py", "pyrogram_shop.py", "telethon_shop.py"}
SHOPS = sorted({path.name for path in EXAMPLES.glob("*_shop.py")} - _ELSEWHERE)


@pytest.mark.parametrize("name", SHOPS)
async def test_the_shop_of_each_library_keeps_what_the_demo_promises(name: str) -> None:
    out = io.StringIO()
    kept = await play(Console(file=out, width=200), program=EXAMPLES / name)
    assert kept, out.getvalue()
