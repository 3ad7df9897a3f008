"""What the log says of a program as a whole: that it has started, what it has found waiting, that it has stopped."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neonpay._version import __version__
from neonpay.core.log_lines import JOBS_BEGUN_BEFORE, PROGRAM_STARTED, PROGRAM_STOPPED
from neonpay.ledger.migrate import REVISIONS
from neonpay.payments.handlers.registry import handler_name

if TYPE_CHECKING:
    from neonpay.core.ports import Adapter
    from neonpay.payments.assembly import Registered
    from neonpay.payments.delivery.fulfilment import Fulfilment
    from neonpay.payments.jobs import JobStore
    from neonpay.payments.settings import Settings
    from neonpay.store.job_rows import JobRecord

logger = logging.getLogger("neonpay.payments")


class Heard:
    """One program of one bot.

    Args:
        database: what the log calls the ledger; without user and password.
    """

    def __init__(
        self,
        adapter: Adapter,
        registered: Registered,
        settings: Settings,
        jobs: JobStore,
        fulfilment: Fulfilment,
        *,
        database: str,
    ) -> None:
        self._adapter = adapter
        self._registered = registered
        self._settings = settings
        self._jobs = jobs
        self._fulfilment = fulfilment
        self._database = database

    async def begun_before(self) -> list[tuple[str, float]]:
        """Jobs that were begun and have not ended, if anybody wants to hear of them and this program could take them over."""
        consumers = self._fulfilment.consumers if self._settings.takes_up_work else []
        return await self._jobs.begun(consumers) if consumers and JOBS_BEGUN_BEFORE.is_on else []

    def started(self, began_s: float) -> None:
        """Say that the program works from now on, and with what."""
        if self._settings.is_tool:  # the bot is another program
            return
        adapter, registered = self._adapter, self._registered
        PROGRAM_STARTED.tell(
            adapter,
            began_s=began_s,
            version=__version__,
            library_level=adapter.capabilities.level.value,
            database=self._database,
            schema=REVISIONS[-1],
            role=self._settings.role.value,
            stages=len(registered.stages),
            handlers=len(registered.handlers) + len(registered.revokers),
            extensions=", ".join(extension.name for extension in registered.extensions) or None,
        )

    def waiting(self, begun: Sequence[tuple[str, float]], stranded: Sequence[JobRecord]) -> None:
        """Say what ``begun_before`` has found, and which jobs no program of the shop has a handler for."""
        if begun:
            handlers = ", ".join(sorted({handler_name(consumer) for consumer, _ in begun}))
            next_in_s = max(0.0, round(begun[-1][1], 1))
            JOBS_BEGUN_BEFORE.tell(bot_id=self._adapter.bot_id, jobs=len(begun), handler=handlers, next_in_s=next_in_s)
        if stranded:
            names = sorted({job.consumer for job in stranded})
            logger.warning("%d jobs wait for handlers that no program of this shop has: %s", len(stranded), names)

    def stopped(self, began_s: float) -> None:
        """Say that the program has ended what it did."""
        if not self._settings.is_tool:
            PROGRAM_STOPPED.tell(began_s=began_s, bot_id=self._adapter.bot_id)
