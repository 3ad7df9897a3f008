"""The lowest version of each bot library that we name passes the conformance suite; the newest does in `make test`."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from neonpay.adapters import ADAPTERS, AdapterSpec

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Environment

pytestmark = [pytest.mark.build, pytest.mark.timeout(900)]  # packages are downloaded

# The simulator needs a newer aiogram than bots do; test_lowest_versions has the lowest one play against it from outside.
_FROM_OUTSIDE = {"aiogram"}
# What is left of pytest's settings in a folder of its own.
_SETTINGS = (
    "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\ntimeout = 60\npythonpath = .\n"
)


def _by_extra() -> dict[str, list[AdapterSpec]]:
    rows: defaultdict[str, list[AdapterSpec]] = defaultdict(list)
    for spec in ADAPTERS:
        if spec.name not in _FROM_OUTSIDE:
            rows[spec.extra].append(spec)
    return dict(rows)


@pytest.mark.parametrize("extra", _by_extra())
def test_the_lowest_version_of_a_library_passes_the_conformance_suite(
    wheel: Path, empty: Environment, root: Path, tmp_path: Path, extra: str
) -> None:
    specs = _by_extra()[extra]
    pins = {f"{spec.distribution}=={spec.minimum}" for spec in specs}
    empty.install(f"{wheel}[{extra},simulator,test]", *pins, "pytest-timeout>=2.3")
    shutil.copytree(root / "tests" / "conformance", tmp_path / "tests" / "conformance")
    (tmp_path / "pytest.ini").write_text(_SETTINGS)
    modules = [f"tests/conformance/test_adapter_{spec.module.rpartition('.')[2]}.py" for spec in specs]

    done = empty.run("python", "-m", "pytest", "-q", "--import-mode=importlib", *modules, cwd=tmp_path)

    summary = done.stdout.splitlines()[-1] if done.stdout else ""
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"=*\s*\d+ passed(, \d+ warnings?)? in .*", summary), summary
