"""Each newer Python that we name and this machine has: a bot sells, its books are read and saved, without a warning."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neonpay.simulator import Simulator
from tests.packaging.conftest import ROOT
from tests.packaging.test_lowest_versions import SHOP

if TYPE_CHECKING:
    from conftest import Environment

pytestmark = [pytest.mark.build, pytest.mark.timeout(600)]

COUNTS = """
import gc
from neonpay.analytics import AnalyticsManager

analytics = AnalyticsManager(enable_analytics=True)
analytics.track_event("product_view", user_id=1)
analytics.get_dashboard_report()
del analytics
gc.collect()
"""

_NEEDED = "import ensurepip, sqlite3, ssl"
"""What some builds of Python are without."""


def newer() -> list[str]:
    """The Pythons of pyproject.toml that are newer than this one and can be started here."""
    named = re.findall(
        r'"Programming Language :: Python :: 3\.(\d+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )
    found = []
    for minor in [minor for minor in map(int, named) if minor > sys.version_info.minor]:
        name = f"python3.{minor}"
        installed = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/{name}"))
        for program in [shutil.which(name), *map(str, installed)]:
            if program is not None and not subprocess.run([program, "-c", _NEEDED], check=False).returncode:
                found.append(program)
                break
    return found


@pytest.mark.parametrize(
    "python", newer() or [pytest.param("", marks=pytest.mark.skip(reason="no newer Python is here"))]
)
async def test_a_bot_sells_on_a_newer_python_without_a_warning(
    wheel: Path, environment_in: type[Environment], tmp_path: Path, python: str
) -> None:
    env = await asyncio.to_thread(environment_in, tmp_path / "env", python)
    await asyncio.to_thread(env.install, f"{wheel}[aiogram,cli,backup]")
    strictly = ["python", "-W", "error"]

    async with Simulator(seed=1) as telegram:
        shop = telegram.bot("tea_bot")
        ann = telegram.user("Ann", stars=10)
        program = await asyncio.create_subprocess_exec(
            *env.command(*strictly, "-c", SHOP, telegram.base_url, shop.token),
            cwd=tmp_path,
            env=env.variables(),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await ann.says("tea", to=shop)
            await ann.pays(await ann.hears(shop, timeout_s=120.0))
            assert (await ann.hears(shop, containing="Tea for", timeout_s=120.0)).text == "Tea for 3 Stars"
        finally:
            with suppress(ProcessLookupError):  # it has failed, and its own words tell why
                program.terminate()
            _, said = await program.communicate()
        assert (program.returncode, b"Warning" in said, b"Traceback" in said) == (0, False, False), said.decode()

    done = await asyncio.to_thread(env.run, *strictly, "-c", COUNTS, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for command in (["payments", "list"], ["backup", "create"], ["backup", "verify"], ["verify"]):
        asked = ["-m", "neonpay", *command, "--database", "sqlite:///shop.db"]
        done = await asyncio.to_thread(env.run, *strictly, *asked, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), (command, done.stderr)
