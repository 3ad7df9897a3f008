"""Where backups are copied to: another folder, S3, or whatever a command of one's own reaches.

A target keeps files by path, as a folder of backups has them, and promises no more than that what was put is there. Whether it
is what was put is looked at by ``neonpay.backup.copying``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from neonpay.backup.manifest import ID
from neonpay.errors import ConfigurationError

MANIFESTS: Final = "manifests"
REMOVING: Final = "removing"
FOLDERS: Final = (REMOVING, MANIFESTS, "chunks", "keys")
"""In the order in which they are listed: who finds no mark finds what was removed missing."""
PATH: Final = re.compile(
    rf"{MANIFESTS}/{ID.pattern}\.json|chunks/[0-9a-f]{{2}}/[0-9a-f]{{64}}|keys/[0-9a-f]{{32}}\.age|{REMOVING}/[0-9a-f]{{32}}"
)
"""The files of backups, and marks of those who remove some; whatever else a target lists is nobody's business here, and no path
of ours."""
_COMMAND: Final = "command:"
_S3: Final = "s3://"
_OTHERS: Final = re.compile(r"[a-z][a-z0-9+.-]+:")


class Listed(NamedTuple):
    """A file that is there: its bytes, and when it was written by the clock of the target, where these are told."""

    size: int | None = None
    written_at: datetime | None = None


class Target(Protocol):
    """Files by path. Its methods may be called from several threads at once."""

    @property
    def name(self) -> str:
        """What messages call it, without anything that is secret."""
        ...

    def put(self, path: str, data: bytes) -> None:
        """The file is there, in the place of one that was; raises BackupCopyError when it could not be written."""
        ...

    def get(self, path: str, most_bytes: int) -> bytes:
        """What is in a file; raises BackupCopyError when it is not there, is larger or cannot be read."""
        ...

    def list(self) -> Mapping[str, Listed]:
        """The files of backups that are there; raises BackupCopyError."""
        ...

    def delete(self, path: str) -> None:
        """The file is gone; raises BackupCopyError when it could not be removed."""
        ...


def open_target(text: str) -> Target:
    """The target that a text names: a folder, ``s3://bucket/prefix?endpoint=…`` or ``command:program …``.

    Nothing is asked yet.

    Raises:
        ConfigurationError: it names none.
    """
    said = text.strip()
    if said.startswith(_COMMAND):
        from neonpay.backup.targets.command import CommandTarget

        return CommandTarget.of(said.removeprefix(_COMMAND))
    if said.startswith(_S3):
        from neonpay.backup.targets.s3 import S3Target

        return S3Target.of(said)
    if not said or _OTHERS.match(said):  # a letter alone is a drive of Windows
        msg = 'backups are copied to a folder, to "s3://bucket/prefix" or by "command:program"; the target is none of them'
        raise ConfigurationError(msg)
    from neonpay.backup.targets.directory import DirectoryTarget

    return DirectoryTarget(Path(said).expanduser())
