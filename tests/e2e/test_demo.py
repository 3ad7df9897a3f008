"""``neonpay demo`` as a person without a terminal runs it."""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from neonpay.cli.demo.command import play
from neonpay.cli.demo.shop_process import SHOP, ShopDiedError, ShopProcess

# Each process of the demo loads aiogram, which takes seconds on a slow machine.
pytestmark = pytest.mark.timeout(240)


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "TTY_COMPATIBLE"}}
    return {**kept, **more}


def test_the_demo_keeps_its_promises_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "neonpay", "demo"],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
        env=_environment(TMPDIR=str(tmp_path), TEMP=str(tmp_path), PYTHONIOENCODING="utf-8"),
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "\x1b" not in done.stdout
    kept = re.findall(r"^(\d+) of (\d+) promises kept\.$", done.stdout, re.MULTILINE)
    assert len(kept) == 1
    assert kept[0][0] == kept[0][1] == str(done.stdout.count("✓"))
    assert list(tmp_path.iterdir()) == []


async def test_the_demo_notices_a_shop_that_breaks_promises(tmp_path: Path) -> None:
    program = tmp_path / "shop.py"
    source = SHOP.read_text(encoding="utf-8")
    oversells = source.replace("POSTERS = 1", "POSTERS = 9")
    program.write_text(oversells.replace("ctx.enlist(", "(lambda _: None)("), encoding="utf-8")
    out = io.StringIO()
    assert not await play(Console(file=out, width=200), program=program)
    for noticed in ("both checkouts declined", "one stamp on the card"):
        assert re.findall(rf"✗ .*{noticed}.*; but expected", out.getvalue()) != [], noticed


async def test_a_shop_that_dies_by_itself_ends_the_demo_with_its_last_words(tmp_path: Path) -> None:
    shop = ShopProcess(tmp_path, token="not a token", api_url="http://127.0.0.1:1", admin_id=1)
    await shop.start()
    with pytest.raises(ShopDiedError, match="Token is invalid"):
        await shop.while_it_lives(_never())
    await shop.stop()


async def _never() -> None:
    await asyncio.get_running_loop().create_future()
