"""The extensions of a program at work: their tables, jobs, subscribers, periodic tasks, and what they run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from neonpay.errors import ExtensionError, LedgerError
from neonpay.ledger import Ledger
from neonpay.ledger.extension_tables import ExtensionTables, ensure_tables
from neonpay.payments.delivery.extension_jobs import ExtensionJobs
from neonpay.payments.delivery.fulfilment import Fulfilment
from neonpay.payments.delivery.prompting import Prompter
from neonpay.payments.extending.running import Running
from neonpay.payments.extensions_used import Extensions
from neonpay.payments.host import ShopHost
from neonpay.payments.patience import AWAY
from neonpay.store.periodic import PeriodicRunner


class ExtensionsAtWork:
    """What one pipeline does for the extensions of its program.

    Args:
        jobs: runs their jobs.
        sweep: gives subscribers the jobs that they lack.
    """

    def __init__(
        self,
        extensions: Extensions,
        ledger: Ledger,
        host: ShopHost,
        jobs: ExtensionJobs,
        fulfilment: Fulfilment,
        periodic: PeriodicRunner,
        sweep: Callable[[], Awaitable[int]],
    ) -> None:
        self._extensions = extensions
        self._ledger = ledger
        self._jobs = jobs
        self._fulfilment = fulfilment
        self._periodic = periodic
        self.prompter = Prompter(extensions, sweep, fulfilment.changed.set)
        self._running = Running(extensions, host)

    async def take_up(self) -> None:
        """Do everything for each extension that the program uses; safe to call again, when there is one more.

        Raises:
            ConfigurationError: an extension cannot work as the program is set up.
            LedgerError: the database is away.
        """
        for extension in self._extensions:
            if extension.tables is not None:
                await self._make(extension.name, extension.tables)
        self._jobs.take_up(self._extensions)
        for extension in self._extensions:
            for consumer, job in extension.jobs().items():
                self._fulfilment.add_builtin(consumer, job)
            for task in extension.periodic():
                self._periodic.add(replace(task, name=f"{extension.name}:{task.name}"))
        self.prompter.look()
        await self._running.open()

    async def close(self, *, grace_s: float) -> None:
        """Prompt nothing more, and leave what extensions run; each has so many seconds."""
        await self.prompter.close()
        await self._running.close(grace_s=grace_s)

    async def _make(self, extension: str, tables: ExtensionTables) -> None:
        try:
            await ensure_tables(self._ledger, tables)
        except AWAY:
            raise
        except LedgerError as exc:
            # No fault of the ledger's own: payments are recorded, and jobs settle them when the tables are there.
            raise ExtensionError(extension, f"its tables cannot be used: {exc}") from exc
