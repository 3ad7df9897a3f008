"""What to type when something that neonpay can use is not there.

The package index has an older program under the name neonpay, which a line with that name alone would bring into a fresh
environment. So what is missing is named by itself: the requirements of an extra, which pip adds to the neonpay that is
there, whatever it was installed from. neonpay itself comes from the wheel that ``make wheel`` builds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from neonpay._version import __version__

OURS: Final = "neonpay"
_OF_EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")


def install_line(*extras: str) -> str:
    """The line that installs what these extras of neonpay bring."""
    found = [requirement for extra in extras for requirement in _brought_by(extra)]
    if not found:  # no metadata, as in a frozen program, or somebody else's
        return wheel_line(*extras)
    return "pip install " + " ".join(f'"{requirement}"' for requirement in dict.fromkeys(found))


def wheel_line(*extras: str) -> str:
    """The line that installs neonpay with these extras, in a clone after ``make wheel``."""
    wanted = f"[{','.join(extras)}]" if extras else ""
    return f'pip install "dist/{OURS}-{__version__}-py3-none-any.whl{wanted}"'


def is_ours(version: str) -> bool:
    """Whether a distribution called neonpay is this program, and not the one of the package index, which ends with 2."""
    return version.partition(".")[0] == __version__.partition(".")[0]


def _brought_by(extra: str) -> Sequence[str]:
    """The requirements of one extra, as the metadata of the neonpay that is installed has them."""
    from importlib import metadata  # for a message alone

    try:
        required = metadata.requires(OURS) or ()
        version = metadata.version(OURS)
    except metadata.PackageNotFoundError:
        return ()
    if not is_ours(version):
        return ()
    rows = [row.partition(";") for row in required]
    return [requirement.strip() for requirement, _, marker in rows if extra in _OF_EXTRA.findall(marker)]
