"""Where the tree is, what pyproject.toml says, and environments to install into."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    """The [project] table."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


@pytest.fixture(scope="session")
def extras(project: dict[str, Any]) -> dict[str, list[Requirement]]:
    """Every extra with all that it installs: an extra that names others stands for their requirements too."""
    declared = {
        canonicalize_name(name): [Requirement(line) for line in lines]
        for name, lines in project["optional-dependencies"].items()
    }

    def flat(name: str) -> list[Requirement]:
        found: list[Requirement] = []
        for requirement in declared[name]:
            if requirement.name == "neonpay":
                for inner in requirement.extras:
                    found += flat(canonicalize_name(inner))
            else:
                found.append(requirement)
        return found

    return {name: flat(name) for name in declared}


@pytest.fixture(scope="session")
def sources(root: Path) -> dict[str, str]:
    """Every text file of the project by its path, without what is built, cached or installed."""
    skipped = re.compile(r"(^|/)(\.git|\.venv|\.[a-z_]+_cache|\.hypothesis|__pycache__|build|dist|_build)(/|$)")
    texts = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not skipped.search(name):
            try:
                texts[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a database or a picture
    return texts


_WITH_UV = """
import subprocess, sys
command = ["uv", "pip", "install", "--quiet", "--python", sys.executable, *sys.argv[1:]]
sys.exit(subprocess.run(command).returncode)
"""


class Environment:
    """A virtual environment that has pip and nothing else, until something is installed; of this Python, or of another."""

    def __init__(self, home: Path, python: str = sys.executable) -> None:
        subprocess.run([python, "-m", "venv", str(home)], check=True)
        self._bin = home / ("Scripts" if os.name == "nt" else "bin")

    def install(self, *what: str) -> None:
        if shutil.which("uv"):  # several times as fast
            done = self.run("python", "-c", _WITH_UV, *what)
        else:
            done = self.run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)
        assert done.returncode == 0, done.stderr

    def command(self, program: str, *arguments: str) -> list[str]:
        return [str(self._bin / program), *arguments]

    def run(
        self, program: str, *arguments: str, cwd: Path | None = None, packages: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; what is in the folder ``packages`` comes before what is installed."""
        return subprocess.run(
            self.command(program, *arguments),
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            env=self.variables() | ({} if packages is None else {"PYTHONPATH": str(packages)}),
        )

    def variables(self) -> dict[str, str]:
        """Ours without those that would let this environment see into another."""
        return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NEONPAY_", "COV"))}


@pytest.fixture(scope="session")
def environment_in() -> type[Environment]:
    """Makes an environment in a folder, for tests that share one."""
    return Environment


@pytest.fixture
def empty(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "env")


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [built] = out.glob("*.whl")
    return built
