"""Every example shop keeps the promises that the demo looks at: killed halfway, paid twice, refunded."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from rich.console import Console

from neonpay.cli.demo.command import play

# Each process of a shop loads a bot library, which takes seconds on a slow machine.
pytestmark = [pytest.mark.build, pytest.mark.timeout(300)]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# The demo itself plays aiogram's, and test_mtproto_examples those that have no wire to a simulator in another process.
_ELSEWHERE = {"aiogram_shop.py", "hydrogram_shop.py", "pyrogram_shop.py", "telethon_shop.py"}
_LIBRARIES = {"hydrogram_shop.py": "hydrogram", "pyrogram_shop.py": "pyrogram", "telethon_shop.py": "telethon"}
"""Those that are not in every environment."""
SHOPS = sorted({path.name for path in EXAMPLES.glob("*_shop.py")} - _ELSEWHERE)


@pytest.mark.parametrize("name", SHOPS)
async def test_the_shop_of_each_library_keeps_what_the_demo_promises(name: str) -> None:
    out = io.StringIO()
    kept = await play(Console(file=out, width=200), program=EXAMPLES / name)
    assert kept, out.getvalue()


@pytest.mark.parametrize("name", sorted([*(path.name for path in EXAMPLES.glob("*_shop.py")), "tea_house.py"]))
def test_an_example_says_that_it_has_no_token(name: str, tmp_path: Path) -> None:
    if find_spec(_LIBRARIES.get(name, "aiogram")) is None:
        pytest.skip("its library is not installed beside the others")
    env = {name: text for name, text in os.environ.items() if name not in {"BOT_TOKEN", "API_ID", "API_HASH"}}
    done = subprocess.run(
        [sys.executable, EXAMPLES / name], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    said = done.stderr.splitlines()[-1]  # a library may have said something as well
    assert said.startswith("Set BOT_TOKEN")
