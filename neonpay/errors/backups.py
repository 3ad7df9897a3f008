"""What keeps a backup from being made or brought back."""

from __future__ import annotations

from neonpay.errors.base import NeonPayError


class BackupError(NeonPayError):
    """A backup was not made, or not brought back; the ledger and the backups of before are as they were."""


class BackupNotFoundError(BackupError):
    """There is no such backup."""


class BackupDamagedError(BackupError):
    """A file of a backup is not there, is not what was written, or names what no backup has."""


class BackupKeyError(BackupError):
    """A backup is encrypted, and no key that was given opens it."""


class BackupBusyError(BackupError):
    """Another process makes or removes a backup in this folder right now."""


class BackupCopyError(BackupError):
    """A backup is whole where it was made, and was not copied to its target, or not read back from there."""


class RestoreRefusedError(BackupError):
    """A backup may not take the place of what is there; the message says what to type."""
