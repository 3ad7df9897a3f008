"""Where the tree is, and what pyproject.toml says."""

from __future__ import annotations

import re
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
