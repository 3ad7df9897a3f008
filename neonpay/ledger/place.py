"""Where a SQLite file lies: whether it can be written there, and whether it is there tomorrow."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from neonpay.errors import LedgerReadOnlyError, LedgerUnavailableError

Access: TypeAlias = Callable[[Path, int], bool]
"""As ``os.access``."""

_MARKS: Final = ("/.dockerenv", "/run/.containerenv")
_CGROUP: Final = "/proc/1/cgroup"
_ENGINES: Final = re.compile(r"docker|containerd|kubepods|libpod|lxc|garden")
IN_CONTAINER: Final = (
    "{path} is a relative path in a container, and gone with all payments when the container is replaced; mount a volume and "
    "give an absolute path: docker run -v neonpay:/data -e NEONPAY_DATABASE_URL=sqlite:////data/{name}"
)


def in_container(root: Path = Path("/")) -> bool:
    """Whether this process runs in a container, as far as its files tell."""
    if any((root / mark.lstrip("/")).exists() for mark in _MARKS):
        return True
    try:
        return bool(_ENGINES.search((root / _CGROUP.lstrip("/")).read_text()))
    except OSError:
        return False


def passing(path: Path, *, is_container: Callable[[], bool] = in_container) -> str | None:
    """What is wrong with a file that does not outlive its container, with what to type; None when nothing is."""
    if path.is_absolute() or not is_container():
        return None
    return IN_CONTAINER.format(path=path, name=path.name)


def refuse_unwritable(path: Path, *, access: Access = os.access) -> None:
    """Make sure that a database file can be made or written, with the files that SQLite has beside it.

    Raises:
        LedgerUnavailableError: there is no such folder.
        LedgerReadOnlyError: file or folder cannot be written; the message has path, owner and mode, and what to type.
    """
    folder = path.parent.resolve()
    if not folder.is_dir():
        msg = f"the folder {folder} of the database does not exist; run: mkdir -p {folder}"
        raise LedgerUnavailableError(msg)
    if not access(folder, os.W_OK | os.X_OK):
        raise LedgerReadOnlyError(_unwritable("folder", folder))
    if path.exists() and not access(path, os.R_OK | os.W_OK):
        raise LedgerReadOnlyError(_unwritable("file", path.resolve()))


def _unwritable(what: str, path: Path) -> str:
    found = path.stat()
    whose = f"belongs to uid {found.st_uid} and has mode {stat.S_IMODE(found.st_mode):04o}"
    if not hasattr(os, "geteuid"):
        return f"the {what} {path} of the database cannot be written; give database_url one that can"
    me = os.geteuid()
    return (
        f"the {what} {path} of the database cannot be written by this process, uid {me}: it {whose}, or its file system is "
        f"read-only; run: chown {me} {path}, or give database_url a file elsewhere"
    )
