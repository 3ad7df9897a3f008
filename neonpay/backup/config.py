"""Where backups are kept, for how long, when they are made and whom they are encrypted for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from neonpay.backup.encryption import Secrets
from neonpay.backup.kinds import BackupType, Form, extent_of, form_of
from neonpay.backup.retention import Rules
from neonpay.backup.schedule import Every, Schedule, schedule_of
from neonpay.backup.targets import Target, open_target
from neonpay.backup.targets.directory import DirectoryTarget
from neonpay.errors import ConfigurationError, ValidationError

DIRECTORY: Final = "./backups"
MAX_BACKUPS: Final = 10


@dataclass(frozen=True, slots=True)
class BackupConfig:
    """The backups of a shop.

    Attributes:
        backup_directory: a folder; ``backup_path`` is another name for it.
        max_backups: so many of the newest are kept; None for all.
        compression: by zstd.
        encryption: whether ``encryption_key`` or ``recipients`` must be there; giving one of them is enough to encrypt.
        encryption_key: a passphrase of 12 characters or more.
        auto_backup: whether they are made by the shop itself, at ``schedule`` or every ``backup_interval_hours``.
        schedule: ``hourly``, ``daily``, ``weekly``, ``monthly``, an interval (``6h``), a time (``03:30``) or five fields of
            cron; it is enough for ``auto_backup``.
        zone: whose clock the times of ``schedule`` are of.
        backup_type: the form of a backup (``JSON``, ``SQLITE``, ``POSTGRESQL``), or how much is written anew each time.
        keep_days, keep_weeks, keep_months: beside the newest ones, the last one of so many days, weeks and months.
        max_age_days: none that is older is kept, unless it is one of those.
        recipients: public keys of age or SSH, in place of a passphrase: whoever makes backups need not be able to read them.
        identity_files: files with secret keys, which open backups for recipients.
        copy_to: where each backup is copied to as well: a folder, ``s3://bucket/prefix?endpoint=…`` or ``command:program …``.

    Raises:
        ConfigurationError: a value says nothing that can be done; the passphrase is not shown.
        ValidationError: a number is out of its range, or a type is none.
    """

    backup_directory: str | Path = DIRECTORY
    max_backups: int | None = MAX_BACKUPS
    compression: bool = True
    encryption: bool = False
    encryption_key: str | None = field(default=None, repr=False)
    auto_backup: bool = False
    backup_interval_hours: float = 24
    backup_type: BackupType = BackupType.INCREMENTAL
    backup_path: str | Path | None = None
    schedule: str | None = None
    zone: str = "UTC"
    keep_days: int = 0
    keep_weeks: int = 0
    keep_months: int = 0
    max_age_days: float | None = None
    recipients: tuple[str, ...] = ()
    identity_files: tuple[str | Path, ...] = ()
    copy_to: str | Path | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        secrets = self.secrets  # raises for a passphrase that is none
        if self.encryption and not secrets.encrypts:
            msg = (
                "encryption=True needs encryption_key=os.environ[...], a passphrase of 12 characters or more, or "
                "recipients=[...], public keys as age-keygen prints them"
            )
            raise ConfigurationError(msg)
        if self.backup_interval_hours <= 0:
            raise ValidationError("backup_interval_hours", self.backup_interval_hours, "more than 0 hours")
        self.extent  # noqa: B018  # raises for a type that is none
        self.times  # noqa: B018  # raises for a schedule that is none
        self.rules  # noqa: B018  # raises for numbers out of their range
        if self.copy_to is not None:
            self.target  # noqa: B018  # raises for a target that is none

    @property
    def folder(self) -> Path:
        """Where they are kept."""
        return Path(self.backup_path if self.backup_path is not None else self.backup_directory).expanduser()

    @property
    def target(self) -> Target:
        """Where they are copied to.

        Raises:
            ConfigurationError: nowhere, or to where nothing can be copied.
        """
        if self.copy_to is None:
            msg = "nothing says where backups are copied to; give --copy-to TARGET, or write copy_to under [backup]"
            raise ConfigurationError(msg)
        target = open_target(str(self.copy_to))
        if isinstance(target, DirectoryTarget) and target.path.resolve() == self.folder.resolve():
            msg = f"copy_to names {target.path}, which is the folder of the backups itself"
            raise ConfigurationError(msg)
        return target

    @property
    def is_scheduled(self) -> bool:
        """Whether they are made without being asked for."""
        return self.auto_backup or self.schedule is not None

    @property
    def times(self) -> Schedule:
        """When they are due."""
        if self.schedule is not None:
            return schedule_of(self.schedule, self.zone)
        return Every(self.backup_interval_hours * 3600)

    @property
    def extent(self) -> BackupType:
        """How much is written anew each time."""
        return extent_of(self.backup_type)

    @property
    def form(self) -> Form:
        """In which form they are."""
        return form_of(self.backup_type)

    @property
    def secrets(self) -> Secrets:
        """Whom they are encrypted for, and what opens them."""
        return Secrets(
            passphrase=self.encryption_key,
            recipients=tuple(self.recipients),
            identity_files=tuple(Path(one) for one in self.identity_files),
        )

    @property
    def rules(self) -> Rules:
        """Which of them are kept."""
        return Rules(
            newest=self.max_backups,
            days=self.keep_days,
            weeks=self.keep_weeks,
            months=self.keep_months,
            age_days=self.max_age_days,
        )
