"""mypy reads every Python block of every page as it is printed, in one run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.unit.docs.blocks import GIVEN, PAGES, ROOT, Program, page_text, programs

if TYPE_CHECKING:
    from pathlib import Path

_GIVEN_AS = """\
from aiogram import Bot, Dispatcher
from neonpay import NeonPayCore

bot: Bot
dispatcher: Dispatcher
neonpay: NeonPayCore
"""


def _write(program: Program, folder: Path) -> str:
    """The program as a module whose lines have the numbers of the page; its path, as mypy says it."""
    name = re.sub(r"\W+", "_", program.blocks[0].page.removeprefix("docs/").removesuffix(".md"))
    name = f"{name}/line_{program.blocks[0].line}"
    (folder / name).parent.mkdir(exist_ok=True)
    first = f"from shown.given import {', '.join(program.given)}" if program.given else ""
    (folder / f"{name}.py").write_text(first + program.source, encoding="utf-8")
    return f"shown/{name}.py"


@pytest.mark.timeout(600)  # the first run on a machine reads every bot library; later ones have mypy's cache
def test_every_block_of_every_page_has_the_types_that_it_uses(tmp_path: Path) -> None:
    folder = tmp_path / "shown"
    folder.mkdir()
    (folder / "given.py").write_text(_GIVEN_AS, encoding="utf-8")
    pages = {_write(program, folder): page for page in PAGES for program in programs(page)}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", str(ROOT / ".mypy_cache"), "-p", "shown"],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.sub(r"^\S*?(shown/[/\w]+\.py)", lambda match: pages[match[1]], done.stdout, flags=re.MULTILINE)
    assert (said + done.stderr).splitlines() == []
    assert done.returncode == 0
    assert len(pages) > 30


def test_a_reader_is_told_which_names_pages_do_not_make() -> None:
    told = page_text("docs/howto/index.md")
    assert [name for name in GIVEN if f"`{name}`" not in told] == []
