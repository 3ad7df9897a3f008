"""Backups as an extension: the shop makes them itself, whichever of its programs has the turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from neonpay.backup.config import BackupConfig
from neonpay.backup.scheduling import LOOK_S, TASK, turn_at
from neonpay.backup.settings import config_from_settings
from neonpay.errors import BackupError
from neonpay.payments.extension import Extension, Host
from neonpay.store.periodic import PeriodicTask, Turn

_NOT_OPEN_S: Final = 1.0


class Backups(Extension):
    """Makes the backups of a shop at their times: ``neonpay.use(Backups(BackupConfig(schedule="daily")))``.

    Args:
        config: where, when and for whom; ``[backup]`` of ``neonpay.toml`` and the environment when left out.

    Raises:
        ConfigurationError: a setting is none.
    """

    name = "backup"

    def __init__(self, config: BackupConfig | None = None) -> None:
        self.config = config_from_settings() if config is None else config
        self._host: Host | None = None

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        """Make backups while the shop is open."""
        self._host = host
        try:
            yield
        finally:
            if self._host is host:  # and not that of a shop which was opened on another event loop meanwhile
                self._host = None

    def periodic(self) -> Sequence[PeriodicTask]:
        """The look whether a backup is due, when they are scheduled."""
        return [PeriodicTask(TASK, LOOK_S, self._turn, at_start=True)] if self.config.is_scheduled else []

    @property
    def host(self) -> Host:
        """The shop.

        Raises:
            BackupError: it is not open.
        """
        if self._host is None:
            msg = "the shop is not open; call `await neonpay.setup()` first, or give BackupManager no application"
            raise BackupError(msg)
        return self._host

    async def _turn(self, turn: Turn) -> float | None:
        host = self._host
        if host is None:
            return _NOT_OPEN_S
        return await turn_at(turn, host.ledger, self.config, host.clock)
