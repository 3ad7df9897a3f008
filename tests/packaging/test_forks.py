"""kurigram, pyrofork and Pyrogram install over each other, so each passes the tests of its family in a folder of its own.

All other packages are shared by the folders. The newest kurigram is where all other tests run.
"""

from __future__ import annotations

import re
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from neonpay.adapters import named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

    from conftest import Environment

pytestmark = [pytest.mark.build, pytest.mark.timeout(900)]  # packages are downloaded

_TOOLS = ("pytest>=9.0", "pytest-asyncio>=1.2", "pytest-timeout>=2.3")
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
CASES = [("kurigram", "lowest"), ("pyrofork", "lowest"), ("pyrofork", "newest"), ("pyrogram", "newest")]


@pytest.fixture(scope="module")
def runs(
    shared: Environment, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Future[CompletedProcess[str]]]]:
    """The tests of every fork, begun; two forks at a time, because most of a run is one process that computes."""
    pool = ThreadPoolExecutor(2)
    yield {case: pool.submit(_run, shared, root, tmp_path_factory.mktemp("fork"), *case) for case in CASES}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_fork_of_pyrogram_passes_the_tests_of_its_family(
    runs: dict[tuple[str, str], Future[CompletedProcess[str]]], case: tuple[str, str]
) -> None:
    done = runs[case].result()
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"=*\s*\d+ passed in .*", done.stdout.splitlines()[-1]), "some were skipped"


def _run(shared: Environment, root: Path, folder: Path, fork: str, version: str) -> CompletedProcess[str]:
    packages = folder / "packages"
    pin = f"=={named(fork).minimum}" if version == "lowest" else ""
    shared.install("--target", str(packages), f"{fork}{pin}")
    for name in _NEEDED:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy2
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(root / name, folder / name)
    (folder / "pytest.ini").write_text(_SETTINGS)
    # What an old version has to keep is the suite; the rest is the same code in all versions.
    tests = [f"tests/conformance/test_adapter_{fork}.py", *(_NEEDED[1:3] if version == "newest" else ())]
    command = ["-m", "pytest", "-q", "--import-mode=importlib", *tests]
    done: CompletedProcess[str] = shared.run("python", *command, cwd=folder, packages=packages)
    return done
