"""The ledger beside Telegram's own books."""

from __future__ import annotations

from neonpay.app.base import Application
from neonpay.core.reports import ReconcileReport


class Reconciling(Application):
    """The comparison with Telegram's list of transactions."""

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
        return await self._pipeline.reconcile(grace_s=grace_s, afresh=afresh, patience_s=patience_s)
