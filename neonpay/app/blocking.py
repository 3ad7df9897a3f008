"""``neonpay.sync``: the methods that are awaited, for programs without an event loop."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from neonpay.app.base import Application
from neonpay.app.crossing import CLOSED
from neonpay.app.deciding import Deciding
from neonpay.app.declaring import Declaring
from neonpay.app.guarding import Guarding
from neonpay.app.proving import Proving
from neonpay.app.reconciling import Reconciling
from neonpay.app.requesting import Requesting
from neonpay.app.selling import Selling
from neonpay.app.settling import Settling
from neonpay.app.subscribing import Subscribing
from neonpay.core.ports import OwnLoop
from neonpay.errors import AdapterError, LedgerClosedError
from neonpay.payments.handlers.in_transaction import is_inside_transaction
from neonpay.security.manager import SecurityManager

P = ParamSpec("P")
T = TypeVar("T")


class _Waiting(Generic[P, T]):
    """A method that waits for a coroutine method of the same name, with its arguments, its result and what it raises."""

    def __init__(self, method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None:
        self._method = method
        functools.update_wrapper(self, method)  # type: ignore[arg-type]  # for help() and documentation

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, facade: None, owner: type) -> Self: ...
    @overload
    def __get__(self, facade: _Facade, owner: type) -> Callable[P, T]: ...
    def __get__(self, facade: _Facade | None, owner: type) -> Self | Callable[P, T]:
        if facade is None:
            return self
        target: Callable[P, Coroutine[Any, Any, T]] = getattr(facade.target, self._name)

        @functools.wraps(self._method)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            facade.check(self._name)
            return facade.wait_for(target(*args, **kwargs))

        return call


class _Facade:
    """Waits on a loop of the adapter's."""

    def __init__(self, target: object, loop: OwnLoop) -> None:
        self.target = target
        self._loop = loop

    def check(self, name: str) -> None:
        """Raise AdapterError where waiting would never end."""
        if is_inside_transaction():
            msg = (
                f"{name}() would wait for the very transaction that this handler is part of; use the connection, or "
                "give the payment a second handler without one"
            )
            raise AdapterError(msg)
        if self._loop.on_loop_thread:
            msg = f"{name}() of neonpay.sync would block neonpay's own event loop; here, await neonpay.{name}(...)"
            raise AdapterError(msg)

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine gives or raises."""
        try:
            return self._loop.run_soon(coroutine).result()
        except CancelledError as exc:
            raise LedgerClosedError(CLOSED) from exc


class SyncSecurity(_Facade):
    """``neonpay.sync.security``: what is awaited of ``neonpay.security``."""

    check_rate_limit = _Waiting(SecurityManager.check_rate_limit)
    block_user = _Waiting(SecurityManager.block_user)
    trust_user = _Waiting(SecurityManager.trust_user)
    unblock_user = _Waiting(SecurityManager.unblock_user)
    get_user_profile = _Waiting(SecurityManager.get_user_profile)
    get_user_risk_assessment = _Waiting(SecurityManager.get_user_risk_assessment)
    report_suspicious_activity = _Waiting(SecurityManager.report_suspicious_activity)  # type: ignore[arg-type]  # **metadata
    detect_payment_fraud = _Waiting(SecurityManager.detect_payment_fraud)
    get_security_stats = _Waiting(SecurityManager.get_security_stats)
    cleanup_old_data = _Waiting(SecurityManager.cleanup_old_data)


class SyncNeonPay(_Facade):
    """``neonpay.sync``: each method does what the method of ``NeonPayCore`` with its name does, and returns when it is done.

    Call it from any thread but neonpay's own: from handlers of the bot, from plain payment handlers and hooks, before the bot
    starts and while it runs. As a context manager it opens the ledger and closes it at the end::

        with neonpay.sync:
            bot.infinity_polling()

    Beside what the method itself raises, each raises AdapterError where waiting would never end, and LedgerClosedError when
    another thread closes neonpay meanwhile.
    """

    setup = _Waiting(Application.setup)
    call = _Waiting(Application.call)
    drain = _Waiting(Application.drain)
    rotate_key = _Waiting(Application.rotate_key)
    send_payment = _Waiting(Selling.send_payment)
    create_payment_link = _Waiting(Selling.create_payment_link)
    refund = _Waiting(Settling.refund)
    refunds = _Waiting(Settling.refunds)
    get_payment = _Waiting(Settling.get_payment)
    jobs = _Waiting(Settling.jobs)
    dead_letters = _Waiting(Settling.dead_letters)
    stranded_jobs = _Waiting(Settling.stranded_jobs)
    retry = _Waiting(Settling.retry)
    payments = _Waiting(Deciding.payments)
    history = _Waiting(Deciding.history)
    needs_attention = _Waiting(Deciding.needs_attention)
    find_payment = _Waiting(Deciding.find_payment)
    get_refund = _Waiting(Deciding.get_refund)
    accept = _Waiting(Deciding.accept)
    cancel_subscription = _Waiting(Subscribing.cancel_subscription)
    allow_subscription = _Waiting(Subscribing.allow_subscription)
    request_refund = _Waiting(Requesting.request_refund)
    refund_requests = _Waiting(Requesting.refund_requests)
    approve_refund = _Waiting(Requesting.approve_refund)
    refuse_refund = _Waiting(Requesting.refuse_refund)
    block_user = _Waiting(Guarding.block_user)
    trust_user = _Waiting(Guarding.trust_user)
    unblock_user = _Waiting(Guarding.unblock_user)
    get_user_risk_assessment = _Waiting(Guarding.get_user_risk_assessment)
    consumers = _Waiting(Declaring.consumers)
    retire_handler = _Waiting(Declaring.retire_handler)
    rename_handler = _Waiting(Declaring.rename_handler)
    reconcile = _Waiting(Reconciling.reconcile)
    verify = _Waiting(Proving.verify)
    seal = _Waiting(Proving.seal)

    def __init__(self, app: Guarding, loop: OwnLoop) -> None:
        super().__init__(app, loop)
        self._app = app

    @property
    def security(self) -> SyncSecurity:
        """What is awaited of ``neonpay.security``."""
        return SyncSecurity(self._app.security, self._loop)

    def close(self) -> None:
        """Finish or give back what runs, close the ledger and end neonpay's thread; safe to call again.

        What is recorded is delivered by the next start at the latest. A later call, or update, opens everything anew.
        """
        self.check("close")
        with suppress(LedgerClosedError):  # another thread closes it, too
            self.wait_for(self._app.close())
        self._loop.stop_loop()

    def __enter__(self) -> Self:
        self.setup()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Blocking(Guarding):
    """The way in for programs without an event loop."""

    @property
    def sync(self) -> SyncNeonPay:
        """The methods that are awaited, as methods that wait.

        Raises:
            AdapterError: the bot's library has an event loop, on which they are awaited.
        """
        if not isinstance(self._adapter, OwnLoop):
            msg = (
                f"neonpay.sync is for bots without an event loop; with {self._adapter.library} await the method itself, "
                "as in: await neonpay.send_payment(...)"
            )
            raise AdapterError(msg)
        return SyncNeonPay(self, self._adapter)
