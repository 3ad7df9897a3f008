"""Who delivers in the shop, over all of its programs."""

from __future__ import annotations

from neonpay.app.base import Application
from neonpay.payments.consumers.registry import Consumer
from neonpay.payments.handlers.registry import ON_PAYMENT


class Declaring(Application):
    """The handlers that the programs of a shop have declared."""

    async def consumers(self) -> list[Consumer]:
        """Everything that takes part in the payments of this shop, whichever program has it, oldest declaration first."""
        await self.setup()
        return await self._pipeline.presence.consumers()

    async def retire_handler(self, name: str, *, drop: bool = False) -> int:
        """Give a handler no more payments; a program that declares it again takes that back.

        Args:
            name: of a payment handler, or what jobs call it, such as ``on_refund:revoke``.
            drop: whether jobs that wait for it are ended undelivered.

        Returns:
            The number of jobs that were ended.

        Raises:
            ConsumerNotFoundError: no program has ever declared it.
            PaymentError: payments wait for it, and ``drop`` is not given; nothing was changed.
        """
        await self.setup()
        return await self._pipeline.presence.retire(_consumer(name), drop=drop)

    async def rename_handler(self, old: str, new: str) -> int:
        """Have ``new`` deliver what waits for ``old``, which gets no more payments; the number of jobs that were moved.

        Raises:
            ConsumerNotFoundError: no program has ever declared one of them.
            PaymentError: one delivers and the other one revokes; nothing was changed.
        """
        await self.setup()
        moved = await self._pipeline.presence.rename(_consumer(old), _consumer(new))
        self._pipeline.fulfilment.changed.set()
        return moved


def _consumer(name: str) -> str:
    return name if ":" in name else f"{ON_PAYMENT}:{name}"
