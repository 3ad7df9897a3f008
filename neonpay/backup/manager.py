"""The backups of the guide: a manager with a shop, or alone on a database."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Generator
from typing import Final, Protocol, TypeVar, overload

from neonpay.backup.adopting import Adopted, adopt
from neonpay.backup.checking import Verified
from neonpay.backup.config import BackupConfig
from neonpay.backup.copying import Copied
from neonpay.backup.deleting import Deleted, found
from neonpay.backup.extension import Backups
from neonpay.backup.fetching import fetch
from neonpay.backup.folder import BackupFolder
from neonpay.backup.info import BackupInfo, info_of, infos_in
from neonpay.backup.installed import tables_of_installed
from neonpay.backup.keeping import Keeper
from neonpay.backup.kinds import BackupStatus, BackupType
from neonpay.backup.restoring import Order, Restored, restore
from neonpay.backup.scheduling import LOOK_S, TASK, rest, turn_at
from neonpay.backup.settings import config_from_settings
from neonpay.core.clock import Clock, SystemClock
from neonpay.errors import BackupNotFoundError, ConfigurationError, RestoreRefusedError
from neonpay.ledger import Ledger, open_ledger
from neonpay.ledger.beside import beside
from neonpay.store.periodic import PeriodicRunner, PeriodicStore, PeriodicTask, Turn
from neonpay.store.signing_keys import bots

T = TypeVar("T")

DATABASE_VARIABLE: Final = "NEONPAY_DATABASE_URL"
_DATABASE_URL: Final = "sqlite:///neonpay.db"


class Shop(Protocol):
    """A program that takes extensions into use: ``NeonPayCore``."""

    def use(self, extension: Backups) -> Backups:
        """Take it into use."""
        ...


class BackupList(list[BackupInfo]):
    """Backups, newest first; ``await`` gives the same list, for whoever writes it."""

    def __await__(self) -> Generator[None, None, list[BackupInfo]]:
        async def itself() -> list[BackupInfo]:
            return list(self)

        return itself().__await__()


class BackupManager:
    """Makes, lists, reads back, restores and deletes backups.

    ``BackupManager(neonpay, config)`` works on the ledger of a shop, and makes backups at their times while it runs when the
    configuration says so. ``BackupManager(config)`` works on a database: ``database_url``, else ``NEONPAY_DATABASE_URL``, else
    ``sqlite:///neonpay.db``.

    Args:
        config: ``[backup]`` of ``neonpay.toml`` and the environment when left out.

    Raises:
        ConfigurationError: a setting is none, or a shop has a ``database_url`` beside it.
    """

    @overload
    def __init__(self, neonpay: Shop, config: BackupConfig | None = None, *, clock: Clock | None = None) -> None: ...
    @overload
    def __init__(
        self,
        neonpay: BackupConfig | None = None,
        config: None = None,
        *,
        database_url: str | None = None,
        clock: Clock | None = None,
    ) -> None: ...
    def __init__(
        self,
        neonpay: Shop | BackupConfig | None = None,
        config: BackupConfig | None = None,
        *,
        database_url: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        shop = None if isinstance(neonpay, BackupConfig) else neonpay
        given = neonpay if isinstance(neonpay, BackupConfig) else config
        self.config = config_from_settings() if given is None else given
        if shop is not None and database_url is not None:
            msg = "a shop has a database already; leave database_url out, or write BackupManager(config, database_url=...)"
            raise ConfigurationError(msg)
        self._extension = None if shop is None else shop.use(Backups(self.config))
        self._database_url = database_url or os.environ.get(DATABASE_VARIABLE) or _DATABASE_URL
        self._clock = clock or SystemClock()
        self._scheduled: tuple[Ledger, PeriodicRunner] | None = None

    async def create_backup(self, backup_type: BackupType | None = None, description: str = "") -> BackupInfo:
        """A new backup is there, and those that need not be kept are gone; nobody who sells waits for it.

        Args:
            backup_type: how much is written anew; what the configuration says when left out.

        Raises:
            BackupError, LedgerError: it could not be made; those of before are as they were.
            ConfigurationError: something that it needs is not installed.
        """
        made = await self._with_keeper(lambda keeper: keeper.make(description=description, backup_type=backup_type))
        return info_of(self._folder, made)

    def list_backups(self) -> BackupList:
        """The backups that are there, newest first; to be awaited or not."""
        return BackupList(infos_in(self._folder))

    def get_backup_info(self, backup_id: str) -> BackupInfo | None:
        """What is told of a backup; None when there is none of this id.

        Raises:
            BackupDamagedError: its manifest cannot be read.
        """
        try:
            return info_of(self._folder, self._folder.manifest(backup_id))
        except BackupNotFoundError:
            return None

    async def verify_backup(self, backup_id: str) -> BackupInfo:
        """A backup was read back now, every byte of it; raises as ``neonpay backup verify`` says it."""
        found: Verified = await self._with_keeper(lambda keeper: keeper.verify(backup_id))
        return info_of(self._folder, found.manifest, BackupStatus.VERIFIED)

    async def drill(self, backup_id: str | None = None) -> Restored:
        """The newest backup, or another one, was restored into a database that nobody uses, and its books were proved."""
        extensions = tables_of_installed()
        return await self._with_keeper(lambda keeper: keeper.drill(extensions, backup_id=backup_id))

    async def restore_backup(self, backup_id: str, *, force: bool = False) -> Restored:
        """A backup is the ledger of the database, and what was there before is kept beside it.

        Args:
            force: put it in the place of another bot's ledger.

        Raises:
            RestoreRefusedError: the shop runs, or the ledger is another bot's; the message has the line to type.
            BackupError, LedgerError, ConfigurationError: it could not be restored; what was there is as it was.
        """
        if self._extension is not None:
            msg = (
                "a shop that runs is not replaced under its feet: stop every program of it, then run: "
                f"neonpay backup restore {backup_id}"
            )
            raise RestoreRefusedError(msg)
        order = Order(
            backup_id=backup_id,
            database_url=self._database_url,
            secrets=self.config.secrets,
            force=force,
            extensions=tables_of_installed(),
        )
        return await asyncio.to_thread(restore, self._folder, order, clock=self._clock, note=lambda *_: None)

    async def copy_backups(self) -> Copied:
        """Every backup that is kept is at ``copy_to`` as well, read back from there; ``create_backup`` does so for a new one.

        Raises:
            ConfigurationError: the configuration has no ``copy_to``.
            BackupCopyError: they could not be copied; the backups in the folder are whole, and the ledger says so.
            BackupNotFoundError: there is none.
        """
        target = self.config.target
        return await self._with_keeper(lambda keeper: keeper.copy(target))

    async def fetch_backup(self, backup_id: str | None = None) -> BackupInfo:
        """The newest backup of ``copy_to``, or another one, is in the folder; for a machine that has lost both.

        Raises:
            ConfigurationError: the configuration has no ``copy_to``.
            BackupError: there is none, or it is not as it was written; what the folder had is as it was.
        """
        target = self.config.target
        found = await asyncio.to_thread(fetch, self._folder, target, backup_id, note=lambda *_: None)
        return info_of(self._folder, found)

    async def adopt_copy(self) -> Adopted:
        """The database, which another program copied, does nothing old by itself from now on, as after a restore.

        Raises:
            RestoreRefusedError: a program is at work on it, or the clock is behind it; nothing was changed.
            LedgerError: there is none, or it could not be written; nothing was changed.
        """
        if self._extension is not None:
            msg = "a shop that runs is not adopted under its feet: stop every program of it, then run: neonpay backup adopt"
            raise RestoreRefusedError(msg)
        return await asyncio.to_thread(adopt, self._database_url, clock=self._clock)

    async def delete_backup(self, backup_id: str, *, copy: bool = False) -> Deleted:
        """A backup is gone, and with it what no other one needs.

        Args:
            copy: the copy at ``copy_to`` too, also when it is the last one that there is. Else it stays there until the rules
                of the configuration no longer keep it, and ``stays_in`` of what is returned says where.

        Raises:
            BackupNotFoundError: there is none of this id.
            BackupBusyError: another process is at work in the folder.
            ConfigurationError: the configuration has no ``copy_to``; nothing was removed.
            BackupCopyError: the copies cannot be read, and nothing was removed; or the one there could not be removed.
        """
        return await asyncio.to_thread(lambda: found(self.config, backup_id, copy=copy).run())

    async def start_scheduled_backups(self) -> None:
        """Backups are made at their times until ``stop_scheduled_backups``, by one of all programs that have said so.

        A shop with ``auto_backup`` or ``schedule`` does so by itself while it is open.

        Raises:
            ConfigurationError: the configuration says no times, or the ledger has no bot yet.
            LedgerError: the ledger cannot be opened.
        """
        if not self.config.is_scheduled:
            msg = 'BackupConfig(schedule="daily") or BackupConfig(auto_backup=True) says when backups are due'
            raise ConfigurationError(msg)
        if self._extension is not None or self._scheduled is not None:
            return
        ledger = open_ledger(self._database_url, clock=self._clock, as_it_is=True)
        known: list[int] = []
        try:
            known = await ledger.read(bots)
        finally:
            if not known:
                await ledger.close()
        if not known:
            msg = "the ledger has no bot yet; start the bot once"
            raise ConfigurationError(msg)
        store = PeriodicStore(ledger, known[0], new_token=lambda: secrets.randbits(62))
        runner = PeriodicRunner(store)

        async def turn(turn: Turn) -> float | None:
            return await turn_at(turn, ledger, self.config, self._clock)

        runner.add(PeriodicTask(f"{Backups.name}:{TASK}", LOOK_S, turn, at_start=True))
        runner.start()
        self._scheduled = ledger, runner

    async def stop_scheduled_backups(self) -> None:
        """None is begun any more; does nothing when none would be."""
        scheduled, self._scheduled = self._scheduled, None
        if scheduled is not None:
            ledger, runner = scheduled
            await runner.stop()
            await ledger.close()

    @property
    def _folder(self) -> BackupFolder:
        return BackupFolder(self.config.folder)

    async def _with_keeper(self, work: Callable[[Keeper], T]) -> T:
        """What the work returned, in a thread, on a ledger that nobody who sells waits for."""
        if self._extension is None:
            ledger, clock, rests = (
                open_ledger(self._database_url, clock=self._clock, as_it_is=True),
                self._clock,
                _at_once,
            )
        else:
            host = self._extension.host
            ledger, clock, rests = beside(host.ledger), host.clock, rest

        def working() -> T:
            try:
                return work(Keeper(ledger, self.config, clock, rest=rests))
            finally:
                ledger.close_sync()

        return await asyncio.to_thread(working)


def _at_once() -> None:
    pass
