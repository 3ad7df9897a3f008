"""``[backup]``: what commands and programs do that say nothing themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from neonpay.backup.config import DIRECTORY, MAX_BACKUPS, BackupConfig
from neonpay.backup.kinds import BackupType, Form
from neonpay.settings import Secret, Section, Sources

NAME = "backup"


class BackupSettings(Section, frozen=True, kw_only=True):
    """What ``BackupConfig`` has, under shorter names."""

    directory: str = DIRECTORY
    form: Form = "json"
    schedule: str | None = None
    zone: str = "UTC"
    max_backups: Annotated[int, msgspec.Meta(ge=1)] = MAX_BACKUPS
    max_age_days: Annotated[float, msgspec.Meta(gt=0)] | None = None
    keep_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    keep_weeks: Annotated[int, msgspec.Meta(ge=0)] = 0
    keep_months: Annotated[int, msgspec.Meta(ge=0)] = 0
    compression: bool = True
    passphrase: Secret | None = None
    recipients: tuple[str, ...] = ()
    identity_files: tuple[str, ...] = ()
    copy_to: Secret | None = None
    warn_after_hours: Annotated[float, msgspec.Meta(gt=0)] = 48.0


def config_from_settings(**arguments: object) -> BackupConfig:
    """The backups as ``[backup]`` of ``neonpay.toml`` and ``NEONPAY_BACKUP_…`` describe them.

    Args:
        arguments: what the program says itself, by the names of the settings.

    Raises:
        ConfigurationError: a setting is none.
    """
    sources = Sources()
    config = config_of(sources.settings_of(BackupSettings, NAME, arguments))
    sources.warn()
    return config


def settings_from_environment(arguments: Mapping[str, object]) -> BackupSettings:
    """The section itself; raises as ``config_from_settings`` does."""
    sources = Sources()
    found = sources.settings_of(BackupSettings, NAME, arguments)
    sources.warn()
    return found


def config_of(found: BackupSettings) -> BackupConfig:
    """The configuration that settings describe."""
    return BackupConfig(
        backup_directory=found.directory,
        max_backups=found.max_backups,
        backup_type=BackupType(found.form),
        compression=found.compression,
        encryption_key=found.passphrase,
        schedule=found.schedule,
        zone=found.zone,
        keep_days=found.keep_days,
        keep_weeks=found.keep_weeks,
        keep_months=found.keep_months,
        max_age_days=found.max_age_days,
        recipients=found.recipients,
        identity_files=found.identity_files,
        copy_to=found.copy_to,
    )
