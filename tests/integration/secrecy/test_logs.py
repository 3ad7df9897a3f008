"""The loggers of a program that sells, and a database that does not answer."""

from __future__ import annotations

import ast
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import neonpay
from neonpay import create_neonpay
from neonpay.errors import LedgerUnavailableError

TOKEN = "7001234567:AAH-k3Zz_0123456789abcdefghijklmnop"
PASSWORD = "correct-horse%2Fbattery"
_ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def _names() -> set[str]:
    """What the package calls its loggers."""
    package = Path(neonpay.__file__).parent
    calls = [
        node
        for file in package.rglob("*.py")
        if "simulator" not in file.parts
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "logging.getLogger" and node.args
    ]
    return {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}


_SHOP = f"""
import logging
from neonpay import create_neonpay
from neonpay.core.secrecy import SecretFilter

create_neonpay("{TOKEN}", database_url="sqlite:///shop.db")
names = ["neonpay", *(name for name in logging.Logger.manager.loggerDict if name.startswith("neonpay."))]
print(*(name for name in names for guard in logging.getLogger(name).filters if isinstance(guard, SecretFilter)))
"""


def test_every_logger_masks_secrets_once_a_shop_is_created_whatever_is_loaded_later(tmp_path: Path) -> None:
    # In a program of its own: here, other tests have loaded everything.
    command = [sys.executable, "-c", _SHOP]
    guarded = subprocess.run(command, cwd=tmp_path, env=_ENVIRONMENT, capture_output=True, text=True, check=True)
    names = _names()
    assert {"neonpay", "neonpay.payments", "neonpay.adapters"} <= names
    assert names <= set(guarded.stdout.split())
    assert len(guarded.stdout.split()) == len(set(guarded.stdout.split()))


async def test_a_database_that_does_not_answer_costs_no_password(caplog: pytest.LogCaptureFixture) -> None:
    app = create_neonpay(TOKEN, database_url=f"postgresql://shop:{PASSWORD}@127.0.0.1:1/shop")
    with pytest.raises(LedgerUnavailableError) as caught:
        await app.setup()
    shown = (
        "".join(traceback.format_exception(caught.value))
        + repr(app)
        + repr(app.program.pipeline)
        + repr(app.get_stats())
    )
    logging.getLogger("neonpay.payments").error("we use %s and %s", PASSWORD, "correct-horse/battery")
    shown += caplog.text
    await app.close()
    assert "we use *** and ***" in shown
    assert "battery" not in shown
    assert TOKEN not in shown
