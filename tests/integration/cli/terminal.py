"""The ``neonpay`` command on a terminal of a certain width."""

from __future__ import annotations

import asyncio
import io
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

from typing_extensions import override

from neonpay.cli.main import app

if TYPE_CHECKING:
    import pytest

_STYLES = re.compile(r"\x1b\[[0-9;]*m")


class _Screen(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


async def screen(monkeypatch: pytest.MonkeyPatch, *arguments: str, columns: int, **environment: str) -> str:
    """What somebody sees who types the command, without colours; errors as well."""
    for name, value in {**environment, "COLUMNS": str(columns), "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NEONPAY_BOT_TOKEN", "NEONPAY_BOT_ID"):
        if name not in environment:
            monkeypatch.delenv(name, raising=False)
    shown = _Screen()

    def run() -> None:
        with redirect_stdout(shown), redirect_stderr(shown):
            app(list(arguments), standalone_mode=False)

    await asyncio.to_thread(run)
    assert os.environ["COLUMNS"] == str(columns)
    return _STYLES.sub("", shown.getvalue())
