"""``neonpay.sync``: what is awaited, for programs without an event loop."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from neonpay.app.facade import Facade
from neonpay.app.house import House
from neonpay.core.namespaces import Awaiting, Blocking
from neonpay.core.ports import OwnLoop
from neonpay.errors import AdapterError, LedgerClosedError
from neonpay.payments.handlers.in_transaction import is_inside_transaction

T = TypeVar("T")


class SyncNeonPay(Facade[Blocking]):
    """``neonpay.sync``: each method does what the method of ``neonpay`` with its name does, and returns when it is done.

    Call it from any thread but neonpay's own: from handlers of the bot, from plain payment handlers and hooks, before the bot
    starts and while it runs. As a context manager it opens the ledger and closes it at the end::

        with neonpay.sync:
            bot.infinity_polling()

    Beside what the method itself raises, each raises AdapterError where waiting would never end, and LedgerClosedError when
    another thread closes neonpay meanwhile.
    """

    def __init__(self, awaiting: Awaiting, house: House, loop: OwnLoop) -> None:
        super().__init__(Blocking(awaiting, loop, is_inside_transaction=is_inside_transaction), house)
        self._awaiting = awaiting
        self._loop = loop

    def wait(self, coroutine: Coroutine[Any, Any, T], /) -> T:
        """What a coroutine gives, run on neonpay's event loop; for code of your own that awaits.

        Raises:
            AdapterError: waiting would never end; the coroutine has not begun.
            LedgerClosedError: another thread closes neonpay meanwhile.
        """
        try:
            self._mode.refuse_deadlock("wait", instead="the coroutine itself")
        except AdapterError:
            coroutine.close()
            raise
        return self._mode.wait_for(coroutine)

    def close(self) -> None:
        """Finish or give back what runs, close the ledger and end neonpay's thread; safe to call again.

        What is recorded is delivered by the next start at the latest. A later call, or update, opens everything anew.
        """
        self._mode.refuse_deadlock("close", instead="neonpay.close()")
        with suppress(LedgerClosedError):  # another thread closes it, too
            self._mode.wait_for(self._awaiting.bound(self._house.close, "close")())
        self._loop.stop_loop()

    def __enter__(self) -> Self:
        self.setup()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
