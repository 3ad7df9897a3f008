"""Whether the import name of a bot library belongs to one distribution, whole and unshadowed.

Forks keep the import name of what they were made from, and pip installs one over the other without a word: pyrogram,
kurigram and pyrofork are all ``pyrogram``. Uninstalling one then takes files of the other along.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Sequence
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path

from neonpay.adapters import ADAPTERS
from neonpay.cli.checks.check import Check, ok, problem
from neonpay.cli.checks.installed import distributions, normalised


def check_import_names(*, here: Path, only: str | None = None, path: Sequence[str] | None = None) -> list[Check]:
    """One check ``import.<name>`` for each import name of a bot library that is installed.

    Args:
        here: folder that the bot is started from, whose files come before what is installed.
        only: name of the row in the adapter table that the bot uses.
        path: folders to look in; ``sys.path`` when left out.
    """
    there = distributions(path)
    roots = {spec.library_root for spec in ADAPTERS if only is None or spec.name == only}
    checks = []
    for root in sorted(roots - {""}):
        owners = [distribution for distribution in there.values() if _first_file(distribution, root) is not None]
        if len(owners) > 1:
            checks.append(_clash(root, owners))
        elif owners:
            checks.append(_whole(root, owners[0], here=here, path=path))
    return checks


def _called(distribution: metadata.Distribution) -> str:
    return f"{distribution.metadata['Name']} {distribution.version}"


def _first_file(distribution: metadata.Distribution, root: str) -> metadata.PackagePath | None:
    """The file that ``import <root>`` runs, if the distribution says that it has brought it."""
    wanted = {f"{root}/__init__.py", f"{root}.py"}
    return next((file for file in distribution.files or () if file.as_posix() in wanted), None)


def _clash(root: str, owners: list[metadata.Distribution]) -> Check:
    names = " ".join(sorted(normalised(owner.metadata["Name"]) for owner in owners))
    return problem(
        f"import.{root}",
        f"{' and '.join(sorted(map(_called, owners)))} are installed, and all of them are imported as {root}: "
        "the files of one lie over those of the other",
        f"run: pip uninstall -y {names}; then install the one that the bot is written for",
    )


def _whole(root: str, owner: metadata.Distribution, *, here: Path, path: Sequence[str] | None) -> Check:
    name, called = f"import.{root}", _called(owner)
    files = [file for file in owner.files or () if file.parts[0] in {root, f"{root}.py"} and file.suffix == ".py"]
    foreign = [file for file in files if not _is_its_own(file)]
    if foreign:
        return problem(
            name,
            f"{len(foreign)} of {len(files)} files of {called} are missing or are not its own, such as {foreign[0]}: "
            "another distribution was installed over it or taken away",
            f"run: pip install --force-reinstall --no-deps {normalised(owner.metadata['Name'])}=={owner.version}",
        )
    first = _first_file(owner, root)
    spec = PathFinder.find_spec(root, [str(here), *(sys.path if path is None else path)])
    origin = None if spec is None else spec.origin
    if first is None or origin is None or Path(origin).resolve() != Path(str(first.locate())).resolve():
        return problem(
            name,
            f"import {root} finds {origin or 'nothing that can be run'}, which is not {called}",
            f"rename that file or folder, or start the bot from elsewhere than {here}",
        )
    return ok(name, f"import {root} finds {called}, and its files are its own")


def _is_its_own(file: metadata.PackagePath) -> bool:
    """Whether a file is as the record of its distribution says: there and of that size, and the first one by its hash."""
    at = Path(str(file.locate()))
    try:
        if file.size is not None and at.stat().st_size != file.size:
            return False
        if file.name != "__init__.py" or file.hash is None or file.hash.mode != "sha256":
            return at.is_file()
        digest = hashlib.sha256(at.read_bytes()).digest()
    except OSError:
        return False
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value
