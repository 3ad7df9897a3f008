"""The lowest version of each bot library that we name passes the conformance suite; the newest does in `make test`."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from neonpay.adapters import ADAPTERS

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Environment

pytestmark = [pytest.mark.build, pytest.mark.timeout(900)]  # packages are downloaded

# The simulator needs a newer aiogram than bots do; test_lowest_versions has the lowest one play against it from outside.
# The forks of pyrogram cannot be installed together; each has an environment of its own in test_forks.
_ELSEWHERE = {"aiogram", "kurigram", "pyrofork", "pyrogram"}
# What is left of pytest's settings in a folder of its own.
_SETTINGS = (
    "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\ntimeout = 60\npythonpath = .\n"
)


def test_the_lowest_version_of_each_library_passes_the_conformance_suite(
    wheel: Path, empty: Environment, root: Path, tmp_path: Path
) -> None:
    specs = [spec for spec in ADAPTERS if spec.name not in _ELSEWHERE]
    extras = ",".join(sorted({spec.extra for spec in specs} | {"simulator"}))
    pins = sorted({f"{spec.distribution}=={spec.minimum}" for spec in specs})
    empty.install(f"{wheel}[{extras}]", *pins, "pytest>=9.0", "pytest-asyncio>=1.2", "pytest-timeout>=2.3")
    shutil.copytree(root / "tests" / "conformance", tmp_path / "tests" / "conformance")
    (tmp_path / "pytest.ini").write_text(_SETTINGS)
    modules = []
    for spec in specs:
        named = [f"tests/conformance/test_adapter_{name}.py" for name in (spec.name, spec.module.rpartition(".")[2])]
        modules.append(next(module for module in named if (root / module).is_file()))

    done = empty.run("python", "-m", "pytest", "-q", "--import-mode=importlib", *modules, cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"=*\s*\d+ passed(, \d+ warnings?)? in .*", done.stdout.splitlines()[-1])
