"""The public types, as the mypy of somebody who installed neonpay sees them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.build, pytest.mark.timeout(300)]


def test_mypy_accepts_a_users_code_and_rejects_the_lines_that_are_wrong(root: Path, tmp_path: Path) -> None:
    """A line marked `type: ignore[…]` has to be an error of that kind, or strict mypy reports the mark as unused."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(root / "tests/typing/api.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "Success: no issues found in 1 source file\n")
