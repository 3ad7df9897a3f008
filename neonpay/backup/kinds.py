"""What a backup can be."""

from __future__ import annotations

import enum


class BackupType(enum.StrEnum):
    """How much of a backup is written anew, or in which form it is; every one restores alone.

    Attributes:
        FULL: everything is written anew, and what earlier ones wrote is not relied on.
        INCREMENTAL: chunks that any earlier backup has are shared with it.
        DIFFERENTIAL: chunks that the last full backup has are shared with it, and no others.
        JSON: the form in which every engine can be restored: JSON Lines, one file for each part of a table.
    """

    FULL = "full"
    INCREMENTAL = "incremental"
    DIFFERENTIAL = "differential"
    JSON = "json"


EXTENTS = frozenset({BackupType.FULL, BackupType.INCREMENTAL, BackupType.DIFFERENTIAL})


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
