"""What extensions do while the shop is open, beside what they are asked."""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager

from neonpay.payments.extension import Host
from neonpay.payments.extensions import Extensions

logger = logging.getLogger("neonpay.payments")


class Running:
    """Enters what extensions run, and leaves it in the opposite order."""

    def __init__(self, extensions: Extensions, host: Host) -> None:
        self._extensions = extensions
        self._host = host
        self._entered: list[tuple[str, AbstractAsyncContextManager[None]]] = []
        self._names: set[str] = set()

    async def open(self) -> None:
        """Enter what is not entered yet; what an extension raises then is raised, since the shop cannot do what it was told."""
        for extension in self._extensions.having("running"):
            if extension.name in self._names:
                continue
            runs = extension.running(self._host)
            await runs.__aenter__()
            self._names.add(extension.name)
            self._entered.append((extension.name, runs))

    async def close(self) -> None:
        """Leave everything; what an extension raises is logged, and the others are left all the same."""
        while self._entered:
            name, runs = self._entered.pop()
            self._names.discard(name)
            try:
                await runs.__aexit__(None, None, None)
            except Exception:  # the shop closes whatever an extension has to say about it
                logger.exception("extension %s could not be left in order", name)
