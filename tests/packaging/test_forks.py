"""kurigram, pyrofork and Pyrogram install over each other, so each passes the tests of its family in a folder of its own.

All other packages are shared by the folders. The newest kurigram is where all other tests run.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from neonpay.adapters import named

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Environment

pytestmark = [pytest.mark.build, pytest.mark.timeout(900)]  # packages are downloaded

_TOOLS = ("pytest>=9.0", "pytest-asyncio>=1.2", "pytest-timeout>=2.3", "pytest-xdist>=3.6")
_NEEDED = ("tests/conformance", "tests/integration/mtproto", "tests/e2e/test_mtproto_examples.py", "examples")
# What is left of pytest's settings in a folder of its own.
_SETTINGS = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
timeout = 60
pythonpath = .
"""


@pytest.fixture(scope="module")
def shared(wheel: Path, environment_in: type[Environment], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """neonpay, the simulator and what runs tests; no client library."""
    environment = environment_in(tmp_path_factory.mktemp("shared") / "env")
    environment.install(f"{wheel}[simulator]", *_TOOLS)
    return environment


# Pyrogram is not developed any more: its newest version is the lowest that we name.
@pytest.mark.parametrize(
    ("fork", "version"),
    [("kurigram", "lowest"), ("pyrofork", "lowest"), ("pyrofork", "newest"), ("pyrogram", "newest")],
)
def test_a_fork_of_pyrogram_passes_the_tests_of_its_family(
    shared: Environment, root: Path, tmp_path: Path, fork: str, version: str
) -> None:
    packages = tmp_path / "packages"
    pin = f"=={named(fork).minimum}" if version == "lowest" else ""
    shared.install("--target", str(packages), f"{fork}{pin}")
    for name in _NEEDED:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy2
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy(root / name, tmp_path / name)
    (tmp_path / "pytest.ini").write_text(_SETTINGS)
    tests = [f"tests/conformance/test_adapter_{fork}.py", *_NEEDED[1:3]]

    command = ["-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "--import-mode=importlib", *tests]
    done = shared.run("python", *command, cwd=tmp_path, packages=packages)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"=*\s*\d+ passed in .*", done.stdout.splitlines()[-1]), "some were skipped"
