"""Environments of their own for packages that cannot live beside ours, made once and kept in the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

_SAME_VERSION = ("aiogram", "pydantic")
"""What every environment has in the version that this one has, so that the packages are compared and not their hosts."""


class NotInstallableError(Exception):
    """An environment could not be made; the message says why, in one line."""


def python_with(*requirements: str) -> Path:
    """The interpreter of an environment that has these requirements, which is made now when there is none.

    Raises:
        NotInstallableError: the packages cannot be installed; nothing is left behind.
    """
    pinned = [*requirements, *[f"{name}=={version(name)}" for name in _SAME_VERSION]]
    named = "-".join([f"py{sys.version_info.major}.{sys.version_info.minor}", *pinned])
    folder = _cache() / "".join(character if character.isalnum() or character in ".-" else "_" for character in named)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        print(f"installing {' '.join(requirements)} into an environment of its own", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _make(folder, python, pinned)
        except NotInstallableError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        (folder / "ready").touch()
    return python


def _make(folder: Path, python: Path, requirements: Sequence[str]) -> None:
    if uv := shutil.which("uv"):
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
        _run(uv, "pip", "install", "--quiet", "--python", str(python), *requirements)
    else:
        _run(sys.executable, "-m", "venv", str(folder))
        _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *requirements)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise NotInstallableError(lines[-1] if lines else f"{command[0]} ended with {done.returncode}")


def _cache() -> Path:
    given = os.environ.get("NEONPAY_BENCH_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neonpay-bench"
