"""What is told of a backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from neonpay.backup.folder import BackupFolder
from neonpay.backup.kinds import BackupStatus, BackupType
from neonpay.backup.manifest import Manifest
from neonpay.core.clock import moment
from neonpay.core.jsontext import JsonObject
from neonpay.errors import BackupError


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupInfo:
    """One backup.

    Attributes:
        created_at: the moment that it is of, or of its file when its manifest cannot be read.
        size_bytes: of all files that a restore reads.
        added_bytes: of those that no earlier backup had.
        file_path: of its manifest.
        is_encrypted: whether keys and tokens are in it, and nobody reads it without a key.
        left_out: what it lacks, in words.
        error: why it cannot be read; None when it can.
    """

    backup_id: str
    backup_type: BackupType
    status: BackupStatus
    created_at: datetime
    size_bytes: int = 0
    added_bytes: int = 0
    file_path: str = ""
    description: str = ""
    is_encrypted: bool = False
    bot_ids: tuple[int, ...] = ()
    payments: int = 0
    left_out: tuple[str, ...] = ()
    error: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)


def info_of(folder: BackupFolder, manifest: Manifest, status: BackupStatus = BackupStatus.COMPLETED) -> BackupInfo:
    """What is told of a backup whose manifest was read."""
    missing = None
    if status is BackupStatus.COMPLETED:
        missing = next((chunk.path for _, chunk in manifest.chunks() if not folder.has(chunk)), None)
    error = None if missing is None else f"{folder.path / missing} is not there as it was written"
    return info_with(manifest, status, str(_path(folder, manifest.backup_id)), error)


def info_with(manifest: Manifest, status: BackupStatus, place: str, error: str | None) -> BackupInfo:
    """What is told of a backup in a place, and what is wrong with it."""
    metadata: JsonObject = {
        "engine": manifest.engine,
        "form": manifest.form,
        "schema": manifest.schema,
        "made_by": manifest.made_by,
        "rows": manifest.rows,
        "compression": manifest.compression,
        "heads": {str(bot.bot_id): bot.head for bot in manifest.bots},
    }
    return BackupInfo(
        backup_id=manifest.backup_id,
        backup_type=manifest.backup_type,
        status=status if error is None else BackupStatus.DAMAGED,
        created_at=manifest.created_at,
        size_bytes=manifest.size,
        added_bytes=manifest.added,
        file_path=place,
        description=manifest.description,
        is_encrypted=manifest.encryption is not None,
        bot_ids=tuple(manifest.bot_ids),
        payments=sum(bot.payments for bot in manifest.bots),
        left_out=manifest.left_out,
        error=error,
        metadata=metadata,
    )


def damaged_info(backup_id: str, created_at: datetime, place: str, error: BackupError) -> BackupInfo:
    """What is told of a backup whose manifest cannot be read."""
    return BackupInfo(
        backup_id=backup_id,
        backup_type=BackupType.FULL,
        status=BackupStatus.DAMAGED,
        created_at=created_at,
        file_path=place,
        error=str(error),
    )


def infos_in(folder: BackupFolder) -> list[BackupInfo]:
    """Every backup of a folder, newest first; one that cannot be read says why."""
    found = []
    for backup_id in folder.ids():
        try:
            found.append(info_of(folder, folder.manifest(backup_id)))
        except BackupError as error:
            path = _path(folder, backup_id)
            made_us = path.lstat().st_mtime_ns // 1000
            found.append(damaged_info(backup_id, moment(made_us), str(path), error))
    return sorted(found, key=lambda one: (one.created_at, one.backup_id), reverse=True)


def _path(folder: BackupFolder, backup_id: str) -> Path:
    return folder.path / "manifests" / f"{backup_id}.json"
