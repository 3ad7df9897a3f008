"""The proof that the books add up."""

from __future__ import annotations

from neonpay.app.base import Application
from neonpay.books.verification import Proof


class Proving(Application):
    """Seals on the journal, and what they prove."""

    async def verify(self, *, head: str | None = None) -> Proof:
        """Look at all the books, as one moment has them, and add everything up again; nothing is changed.

        Every journal entry adds up to zero; the chain of seals is whole, and the sealed rows are those that were sealed; every
        payment and refund has the entries of its amount and state, and no entry is about anything else. What differs is in
        ``findings``. Memory stays the same however many payments there are.

        Args:
            head: the ``head`` of an earlier proof, kept elsewhere; without one, books that somebody cut off or wrote anew with
                all their seals look whole.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        await self.setup()
        return await self._pipeline.prove(head)

    async def seal(self) -> int:
        """Seal the journal rows that are not sealed yet; how many there were. Running programs do so by themselves."""
        await self.setup()
        return await self._pipeline.sealer.seal()
