"""What a backup can be."""

from __future__ import annotations

import enum
from typing import Final, Literal

from neonpay.errors import ValidationError


class BackupType(enum.StrEnum):
    """How much of a backup is written anew, or in which form it is; every one restores alone.

    Attributes:
        FULL: everything is written anew, and what earlier ones wrote is not relied on.
        INCREMENTAL: chunks that any earlier backup has are shared with it.
        DIFFERENTIAL: chunks that the last full backup has are shared with it, and no others.
        JSON: the form that goes into every engine: JSON Lines, one file for each part of a table.
        SQLITE: the file of the database itself, in pieces; for SQLite alone, and only encrypted.
        POSTGRESQL: statements ``COPY … FROM stdin``, which psql runs as well; for PostgreSQL alone.
    """

    FULL = "full"
    INCREMENTAL = "incremental"
    DIFFERENTIAL = "differential"
    JSON = "json"
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


EXTENTS = frozenset({BackupType.FULL, BackupType.INCREMENTAL, BackupType.DIFFERENTIAL})
Form = Literal["json", "sqlite", "postgresql"]
_FORMS: Final[dict[BackupType, Form]] = {BackupType.SQLITE: "sqlite", BackupType.POSTGRESQL: "postgresql"}


def extent_of(backup_type: BackupType) -> BackupType:
    """How much is written anew when only a form may have been said; raises ValidationError for what is neither."""
    found = _known(backup_type)
    return found if found in EXTENTS else BackupType.INCREMENTAL


def form_of(backup_type: BackupType) -> Form:
    """In which form it is when only an extent may have been said; raises ValidationError for what is neither."""
    return _FORMS.get(_known(backup_type), "json")


def _known(said: str) -> BackupType:
    """The type that a word says: whoever has no type checker writes another one, and would get a backup of another form."""
    try:
        return BackupType(said)
    except ValueError:
        raise ValidationError("backup_type", said, f"one of {', '.join(BackupType)}") from None


class BackupStatus(enum.StrEnum):
    """What is known of a backup.

    Attributes:
        COMPLETED: everything that its manifest names was written before the manifest was.
        VERIFIED: and was read back, now.
        DAMAGED: its manifest cannot be read, or a file that it names is not there.
    """

    COMPLETED = "completed"
    VERIFIED = "verified"
    DAMAGED = "damaged"
