"""``neonpay.handlers``: who delivers in the shop, over all of its programs."""

from __future__ import annotations

import builtins

from neonpay.core.namespaces import M, verb
from neonpay.payments.consumers.registry import Consumer
from neonpay.payments.handlers.registry import ON_PAYMENT
from neonpay.payments.namespaces.served import Served


class Handlers(Served[M], path="handlers"):
    """The handlers that the programs of a shop have declared."""

    @verb
    async def list(self) -> builtins.list[Consumer]:
        """Everything that takes part in the payments of this shop, whichever program has it, oldest declaration first."""
        pipeline = await self._opened()
        return await pipeline.presence.consumers()

    @verb
    async def retire(self, name: str, *, drop: bool = False) -> int:
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
        pipeline = await self._opened()
        return await pipeline.presence.retire(_consumer(name), drop=drop)

    @verb
    async def rename(self, old: str, new: str) -> int:
        """Have ``new`` deliver what waits for ``old``, which gets no more payments; the number of jobs that were moved.

        Raises:
            ConsumerNotFoundError: no program has ever declared one of them.
            PaymentError: one delivers and the other one revokes; nothing was changed.
        """
        pipeline = await self._opened()
        moved = await pipeline.presence.rename(_consumer(old), _consumer(new))
        pipeline.fulfilment.changed.set()
        return moved


def _consumer(name: str) -> str:
    return name if ":" in name else f"{ON_PAYMENT}:{name}"
