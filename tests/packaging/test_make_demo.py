"""What ``make demo`` does to an environment that is there already."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.mark.parametrize(
    ("record", "installs"),
    [("neonpay/__init__.py,,\nneonpay/cli/demo/__init__.py,,\n", False), ("_neonpay.pth,,\n", True), (None, True)],
    ids=["a wheel", "editable", "nothing"],
)
def test_an_installed_wheel_is_shown_and_not_replaced(
    tmp_path: Path, root: Path, record: str | None, *, installs: bool
) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(root / name, tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    if record is not None:
        (packages,) = (tmp_path / ".venv").glob("lib/python*/site-packages")
        metadata = packages / "neonpay-3.0.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: neonpay\nVersion: 3.0.0\n", encoding="utf-8")
        (metadata / "RECORD").write_text(record, encoding="utf-8")
        if "demo" in record:  # from 3.12 on Python lists no file that is not there
            (packages / "neonpay" / "cli" / "demo").mkdir(parents=True)
            (packages / "neonpay" / "cli" / "demo" / "__init__.py").touch()
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text('#!/bin/sh\necho "$@" >> asked\n', encoding="utf-8")
    uv.chmod(0o755)
    env = {**os.environ, "PATH": f"{uv.parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["make", "-s", ".venv/.ready-demo"], cwd=tmp_path, env=env, check=True)
    asked = (tmp_path / "asked").read_text(encoding="utf-8") if installs else ""
    assert ("-e .[simulator,web]" in asked) is installs
    assert (tmp_path / "asked").exists() is installs
