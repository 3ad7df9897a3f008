"""``neonpay.books``: the proof that the books add up, the comparison with Telegram's own, and the key that signs invoices."""

from __future__ import annotations

from neonpay.books.verification import Proof
from neonpay.core.namespaces import M, verb
from neonpay.core.reports import ReconcileReport
from neonpay.payments.namespaces.served import Served


class Books(Served[M], path="books"):
    """The journal, its seals, and what they prove."""

    @verb
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
        pipeline = await self._opened()
        return await pipeline.prove(head)

    @verb
    async def seal(self) -> int:
        """Seal the journal rows that are not sealed yet; how many there were. Running programs do so by themselves."""
        pipeline = await self._opened()
        return await pipeline.sealer.seal() + await pipeline.sealer.seal_left_out()

    @verb
    async def reconcile(
        self, *, grace_s: float | None = None, afresh: bool = False, patience_s: float = 60.0
    ) -> ReconcileReport:
        """Compare the ledger with Telegram's list of transactions and with the balance, and mend the ledger.

        Payments that the ledger does not have are recorded and delivered as if their updates had come; refunds that it does
        not know of are noted; other movements of Stars are entered in the journal. This happens by itself at the start and
        every ``reconcile_every_s`` seconds; one comparison of a bot runs at a time, among all workers. It may take minutes and
        holds up no checkout by itself; a handler of a bot that handles one update after another must not await it.

        Args:
            grace_s: seconds for which a payment may be on its way as an update; what is younger is counted as ``waiting`` and
                left alone. ``reconcile_grace_s`` of ``create_neonpay`` when left out; 0 leaves nothing alone.
            afresh: read the whole list, and not only what is new; nothing is written twice.
            patience_s: seconds to wait for another worker that is comparing now.

        Raises:
            BusyError: another worker is comparing; nothing was done.
            TelegramError, TelegramUnreachableError: Telegram did not answer the walk to its end; what was found before is
                recorded, and the next comparison goes on from there.
            LedgerError: the ledger cannot be written to; the same is true.
        """
        pipeline = await self._opened()
        return await pipeline.reconcile(grace_s=grace_s, afresh=afresh, patience_s=patience_s)

    @verb
    async def rotate_key(self) -> None:
        """Sign invoices with a new key from now on; those made with the older ones go on verifying.

        With ``secret=`` the first secret signs, whatever keys there are: put a new one before it instead.
        """
        pipeline = await self._opened()
        await pipeline.rotate_key()
