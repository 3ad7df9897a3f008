"""The ``neonpay`` command on a terminal of a certain width."""

from __future__ import annotations

import asyncio
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typing_extensions import override

from neonpay.cli.columns import cells
from neonpay.cli.main import app

if TYPE_CHECKING:
    import pytest

_SCREENS = Path(__file__).parent / "screens"
_STYLES = re.compile(r"\x1b\[[0-9;]*m")


class _Screen(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def compare(name: str, columns: int, shown: str) -> None:
    """What was shown fits, and is what the file of this name has; it is written anew where that was asked for."""
    assert max(cells(line) for line in shown.splitlines()) <= columns
    file = _SCREENS / f"{name}.{columns}.txt"
    if os.environ.get("NEONPAY_WRITE_SCREENS"):
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> Iterator[io.StringIO]:
    """What is printed meanwhile goes to a terminal of this width, errors as well."""
    for name, value in {"COLUMNS": str(columns), "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    shown = _Screen()
    with redirect_stdout(shown), redirect_stderr(shown):
        yield shown


def plain(shown: io.StringIO) -> str:
    """The same without colours."""
    return _STYLES.sub("", shown.getvalue())


async def screen(monkeypatch: pytest.MonkeyPatch, *arguments: str, columns: int, **environment: str) -> str:
    """What somebody sees who types the command, without colours; errors as well."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in ("NEONPAY_BOT_TOKEN", "NEONPAY_BOT_ID"):
        if name not in environment:
            monkeypatch.delenv(name, raising=False)

    def run() -> io.StringIO:
        with terminal(monkeypatch, columns) as shown, suppress(typer.Exit):
            app(list(arguments), standalone_mode=False, prog_name="neonpay")
        return shown

    shown = await asyncio.to_thread(run)
    assert os.environ["COLUMNS"] == str(columns)
    return plain(shown)
