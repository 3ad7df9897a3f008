"""Which bot libraries are installed, new enough, and can be imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from neonpay.adapters import ADAPTERS, AdapterSpec
from neonpay.cli.checks.check import Check, ok, problem, skipped, warning
from neonpay.cli.checks.installed import distributions, is_at_least, normalised
from neonpay.installing import install_line

_IMPORT_TIMEOUT_S = 60.0
_IMPORT = """
import importlib, sys
from neonpay import adapters
spec = adapters.named(sys.argv[1])
if spec.library_root:
    importlib.import_module(spec.library_root)
adapters.load(spec)
"""


def check_libraries(
    *, only: str | None = None, by_importing: bool = False, path: Sequence[str] | None = None
) -> list[Check]:
    """One check ``library.<name>`` for each row of the adapter table.

    Args:
        only: name of the row that the bot uses: it has to be there, and the others do not matter.
        by_importing: also import each, with its adapter, in a process of its own.
        path: folders to look in; ``sys.path`` when left out.
    """
    there = distributions(path)
    checks = []
    for spec in ADAPTERS:
        if only is not None and spec.name != only:
            continue
        distribution = there.get(normalised(spec.distribution))
        if distribution is None:
            checks.append(_missing(spec, is_needed=only is not None))
        else:
            checks.append(_installed(spec, distribution.version, by_importing=by_importing))
    return checks


def _name(spec: AdapterSpec) -> str:
    return f"library.{spec.name}"


def _line(spec: AdapterSpec) -> str:
    return install_line(spec.extra)


def _missing(spec: AdapterSpec, *, is_needed: bool) -> Check:
    finding = f"{spec.distribution} is not installed"
    return problem(_name(spec), finding, f"run: {_line(spec)}") if is_needed else skipped(_name(spec), finding)


def _installed(spec: AdapterSpec, version: str, *, by_importing: bool) -> Check:
    called = f"{spec.distribution} {version}"
    try:
        is_new_enough = is_at_least(version, spec.minimum)
    except ValueError:
        return warning(
            _name(spec), f"{called} is installed, a version that cannot be compared", f"have {spec.minimum} or later"
        )
    if not is_new_enough:
        return problem(
            _name(spec), f"{called} is installed, and neonpay needs {spec.minimum} or later", f"run: {_line(spec)}"
        )
    if by_importing and (fault := _import_fault(spec)) is not None:
        return problem(_name(spec), f"{called} is installed and cannot be imported: {fault}", f"run: {_line(spec)}")
    return ok(_name(spec), f"{called} is installed{' and can be imported' if by_importing else ''}")


def _import_fault(spec: AdapterSpec) -> str | None:
    """The last line of what Python says when it cannot import a library or its adapter; None when it can.

    In a process of its own, because libraries start threads, make event loops or end the process when they are imported.
    """
    try:
        done = subprocess.run(  # noqa: S603  # our own lines in our own interpreter
            [sys.executable, "-c", _IMPORT, spec.name],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_IMPORT_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {_IMPORT_TIMEOUT_S:g} s"
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"the interpreter ended with {done.returncode}"
