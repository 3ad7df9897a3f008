"""Whether the neonpay that a bot imports here is this one.

The package index has an older program of that name. pip puts one over the other, and a folder or a file called neonpay beside
the bot hides both.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path

import neonpay
from neonpay._version import __version__
from neonpay.cli.checks.check import Check, ok, problem
from neonpay.cli.checks.installed import normalised
from neonpay.installing import OURS, is_ours, wheel_line

_NAME = "install.neonpay"


def check_neonpay(*, here: Path, path: Sequence[str] | None = None, running: Path | None = None) -> Check:
    """The check ``install.neonpay``.

    Args:
        here: folder that the bot is started from, whose files come before what is installed.
        path: folders to look in; ``sys.path`` when left out.
        running: the file that ``import neonpay`` has to find; that of this program when left out.
    """
    folders = list(sys.path if path is None else path)
    versions = [one.version for one in metadata.distributions(path=folders) if _is_called_neonpay(one)]
    others = sorted({version for version in versions if not is_ours(version)})
    if others:
        return problem(
            _NAME,
            f"{OURS} {' and '.join(others)} is installed, and this is {OURS} {__version__}: the package index has another "
            "program of that name",
            f"run: pip uninstall -y {OURS}; then, in a clone after make wheel: {wheel_line()}",
        )
    ours = Path(neonpay.__file__) if running is None else running
    spec = PathFinder.find_spec(OURS, [str(here), *folders])
    origin = None if spec is None else spec.origin
    if origin is not None and Path(origin).resolve() != ours.resolve():
        return problem(
            _NAME,
            f"import {OURS} finds {origin}, which is not this program, {ours.parent}",
            f"rename or remove that file or folder, or start the bot from elsewhere than {here}",
        )
    return ok(_NAME, f"import {OURS} finds {OURS} {__version__}")


def _is_called_neonpay(distribution: metadata.Distribution) -> bool:
    return normalised(distribution.metadata["Name"] or "") == OURS
