"""What extensions do while the shop is open: each in a task of its own, and entered again when it has failed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from neonpay.core.retrying import RetryPolicy
from neonpay.errors import ConfigurationError
from neonpay.payments.extension import Extension, Host
from neonpay.payments.extensions_used import Extensions

logger = logging.getLogger("neonpay.payments")

_AGAIN = RetryPolicy(on=Exception, attempts=None, first_pause_s=1.0, most_pause_s=300.0, jitter=0.0, total_s=None)
_LAST_S = 1.0
"""How long a stop waits for what it has cancelled; what does not take notice is left behind."""


class Running:
    """Runs what the extensions of a program run."""

    def __init__(self, extensions: Extensions, host: Host) -> None:
        self._extensions = extensions
        self._host = host
        self._supervised: dict[str, _Supervised] = {}

    async def open(self) -> None:
        """Begin what has not begun, and wait until it was entered or has failed for the first time.

        What fails is logged and entered again later: the shop records and sells meanwhile.

        Raises:
            ConfigurationError: an extension says that the program is set up wrongly.
        """
        for extension in self._extensions.having("running"):
            if extension.name not in self._supervised:
                supervised = _Supervised(extension, self._host)
                await supervised.begin()
                self._supervised[extension.name] = supervised

    async def close(self, *, grace_s: float) -> None:
        """Leave everything, the last one first; each has so many seconds, and is cancelled then."""
        while self._supervised:
            _, supervised = self._supervised.popitem()
            await supervised.end(grace_s=grace_s)


class _Supervised:
    """One extension. It is entered and left by the same task, as task groups and the like ask for."""

    def __init__(self, extension: Extension, host: Host) -> None:
        self._extension = extension
        self._host = host
        self._leave = asyncio.Event()
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep(), name=f"neonpay {self._extension.name}")
        await self._first

    async def end(self, *, grace_s: float) -> None:
        assert self._task is not None, "it has begun"
        self._leave.set()
        for wait_s in (grace_s, _LAST_S):
            await asyncio.wait({self._task}, timeout=wait_s)
            if self._task.done():
                return
            self._task.cancel()
        logger.warning("extension %s goes on beyond the stop", self._extension.name)

    async def _keep(self) -> None:
        failures = 0
        while True:
            error: BaseException = RuntimeError("its context manager has ended by itself")
            try:
                async with self._extension.running(self._host):
                    self._is_entered()
                    failures = 0
                    await self._leave.wait()
            except asyncio.CancelledError as exc:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                error = exc  # something inside was cancelled, and nobody wants this to end
            except Exception as exc:  # noqa: BLE001  # an extension is isolated: what it raises stops nothing else
                error = exc
            else:
                if self._leave.is_set():
                    return
            if self._leave.is_set():
                logger.error("extension %s could not be left in order", self._extension.name, exc_info=error)
                return
            if isinstance(error, ConfigurationError) and not self._first.done():
                self._first.set_exception(error)
                return
            failures += 1
            pause_s = _AGAIN.pause_s(failures)
            words = "extension %s does not run; it is entered again in %.0f s"
            logger.error(words, self._extension.name, pause_s, exc_info=error)
            self._is_entered()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._leave.wait()
                    return

    def _is_entered(self) -> None:
        if not self._first.done():
            self._first.set_result(None)
