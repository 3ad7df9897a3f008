"""What commands of backups are given, and how far they are."""

from __future__ import annotations

import asyncio
import enum
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from neonpay.cli.lines import say, without_password
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from neonpay.backup.config import BackupConfig
    from neonpay.backup.keeping import Keeper
    from neonpay.backup.manager import BackupManager
    from neonpay.backup.packing import Note
    from neonpay.backup.targets import Target
    from neonpay.cli.typed import TypedBot
    from neonpay.ledger import Ledger

T = TypeVar("T")

DirectoryOption = Annotated[
    Path | None,
    typer.Option(
        "--directory",
        help="The folder of the backups; `backup.directory` of neonpay.toml, else ./backups when left out.",
    ),
]
PassphraseFileOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File with the passphrase; NEONPAY_BACKUP_PASSPHRASE when left out."),
]
RecipientOption = Annotated[
    list[str] | None,
    typer.Option(
        "--recipient", help="A public key that backups are encrypted for, as age-keygen prints it; again for more."
    ),
]
IdentityOption = Annotated[
    list[Path] | None,
    typer.Option("--identity", help="File with a secret key that opens them; again for more."),
]
CopyToOption = Annotated[
    str | None,
    typer.Option(
        "--copy-to",
        help='Where it is copied to: a folder, "s3://bucket/prefix?endpoint=…" or "command:program"; '
        "`backup.copy_to` of neonpay.toml when left out.",
        metavar="TARGET",
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option("--from", help="The target where the copies are, as --copy-to names it.", metavar="TARGET"),
]

CopyOption = Annotated[
    bool,
    typer.Option("--copy", help="The copies where `backup.copy_to` of neonpay.toml says; --from names another place."),
]


class TypeTyped(enum.StrEnum):
    """How much of a backup is written anew."""

    FULL = "full"
    INCREMENTAL = "incremental"
    DIFFERENTIAL = "differential"


class FormTyped(enum.Enum):
    """What is in the files of a backup."""

    JSON = "json"
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


def chosen(
    directory: Path | None,
    passphrase_file: Path | None = None,
    *,
    recipient: list[str] | None = None,
    identity: list[Path] | None = None,
    compression: bool | None = None,
    copy_to: str | None = None,
    schedule: str | None = None,
    zone: str | None = None,
) -> BackupConfig:
    """The backups that options, the environment and ``neonpay.toml`` describe.

    Raises:
        ConfigurationError: a setting is none, or the passphrase cannot be read.
    """
    from neonpay.backup.settings import config_from_settings

    given: dict[str, Any] = {
        "directory": None if directory is None else str(directory),
        "passphrase": None if passphrase_file is None else _passphrase(passphrase_file),
        "recipients": tuple(recipient) if recipient else None,
        "identity_files": tuple(map(str, identity)) if identity else None,
        "compression": compression,
        "copy_to": copy_to,
        "schedule": schedule,
        "zone": zone,
    }
    return config_from_settings(**{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed to restore a backup: which backups are meant, what opens them, and what they are to become."""

    directory: Path | None
    passphrase_file: Path | None
    identity: list[Path] | None
    database: str | None
    bot: object

    def line(self, backup_id: str) -> str:
        """The same for a backup, but the database, for messages that say what to type."""
        files = [("--directory", self.directory), ("--passphrase-file", self.passphrase_file)]
        files += [("--identity", file) for file in self.identity or []]
        options = [word for option, file in files if file is not None for word in (option, str(file))]
        bot = self.bot_typed
        if bot is not None:
            options += ["--bot", f"@{bot.username}" if bot.username else str(bot.bot_id)]
        return shlex.join(["neonpay", "backup", "restore", backup_id, *options])

    @property
    def database_option(self) -> str:
        """The database as it was typed, without its password."""
        return "" if self.database is None else f" --database {shlex.quote(without_password(self.database))}"

    @property
    def bot_typed(self) -> TypedBot | None:
        """The bot that was named."""
        from neonpay.cli.typed import TypedBot

        assert self.bot is None or isinstance(self.bot, TypedBot)
        return self.bot

    @property
    def bot_id(self) -> int | None:
        """The bot that was named, or whose token is there."""
        from neonpay.cli.shop import where_to_read

        return where_to_read(self.database, self.bot_typed).bot_id


def keep(database_url: str, config: BackupConfig, work: Callable[[Keeper], T]) -> T:
    """What the work returned, with a line that says how far it is."""
    from neonpay.backup.keeping import Keeper
    from neonpay.core.clock import SystemClock

    with ready_ledger(database_url) as ledger, progress() as note:
        return work(Keeper(ledger, config, SystemClock(), note=note))


def fetched(config: BackupConfig, source: str | None, backup_id: str | None) -> str | None:
    """The id of the backup that is in the folder, after it was fetched from a target where one is named."""
    from neonpay.backup.fetching import fetch
    from neonpay.backup.folder import BackupFolder
    from neonpay.backup.targets import open_target

    if source is None:
        return backup_id
    with progress() as note:
        return fetch(BackupFolder(config.folder), open_target(source), backup_id, note=note).backup_id


def place_of_copies(config: BackupConfig) -> Target:
    """Where the copies are that ``--copy`` or ``--from`` means; raises ConfigurationError when nothing says so."""
    if config.copy_to is None:
        msg = "nothing says where backups are copied to; give --from TARGET, or write copy_to under [backup]"
        raise ConfigurationError(msg)
    return config.target


@contextmanager
def ready_ledger(database_url: str) -> Iterator[Ledger]:
    """The ledger of a URL, as it is."""
    from neonpay.cli.advice import about_ledger
    from neonpay.errors import LedgerError
    from neonpay.ledger import open_ledger

    ledger = open_ledger(database_url, as_it_is=True)
    try:
        yield ledger
    except LedgerError as error:
        error.add_note(about_ledger(error, database_url))
        raise
    finally:
        ledger.close_sync()


async def until_stopped(manager: BackupManager, config: BackupConfig) -> None:
    """Backups are made at their times until the task is cancelled."""
    await manager.start_scheduled_backups()
    say(f"Backups go to {config.folder} at {config.schedule}; Ctrl-C stops.")
    try:
        await asyncio.Event().wait()
    finally:
        await manager.stop_scheduled_backups()


@contextmanager
def progress() -> Iterator[Note]:
    """A line on standard error, where that is a terminal: the table, how far, how fast, and how long still."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        bar = shown.add_task("", total=None, rate="")

        def note(table: str, done: int, total: int) -> None:
            speed = shown.tasks[0].finished_speed or shown.tasks[0].speed
            rate = f"{speed:,.0f} rows/s" if speed else ""
            if not done:
                shown.reset(bar)
            shown.update(bar, description=table.removeprefix("neonpay_"), completed=done, total=total, rate=rate)

        yield note


def _passphrase(file: Path) -> str:
    try:
        return file.expanduser().read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"cannot read the passphrase in {file}: {exc.strerror if isinstance(exc, OSError) else 'not text'}"
        raise ConfigurationError(msg) from exc
