"""The functions of the program that take part in the life of a payment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from neonpay.app.house import House
from neonpay.core.events import Event
from neonpay.core.ports import Conversing, Seeing
from neonpay.errors import AdapterError
from neonpay.payments.checkout.hooks import Hook
from neonpay.payments.extension import Extension, overrides
from neonpay.payments.gates import Gate
from neonpay.payments.handlers.middleware import PaymentMiddleware
from neonpay.payments.handlers.registry import MAX_ATTEMPTS
from neonpay.tracking.extension import Counts

F = TypeVar("F", bound=Callable[..., Any])
X = TypeVar("X", bound=Extension)


class TakingPart:
    """Gates, checkout hooks, payment handlers, refund handlers, middlewares and listeners."""

    _house: House

    @overload
    def on_payment(self, function: F, /) -> F: ...
    @overload
    def on_payment(
        self,
        function: None = None,
        /,
        *,
        stage: str | Iterable[str] | None = None,
        name: str | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        was: str | None = None,
    ) -> Callable[[F], F]: ...
    def on_payment(
        self,
        function: F | None = None,
        /,
        *,
        stage: str | Iterable[str] | None = None,
        name: str | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        was: str | None = None,
    ) -> F | Callable[[F], F]:
        """Have a function deliver what was paid; returns the function itself.

        It runs at least once for every accepted payment of its stages, whichever program of the shop records it, again after it
        has raised, and in the next process when this one dies.
        It may ask for ``result``, ``ctx`` and the host's objects by name. Effects are exactly once when they are enlisted
        (``ctx.enlist``) or made by a plain function that asks for ``connection``; a step (``ctx.step``) is not made again once
        its result is stored.
        Raising ``RejectPayment(reason)`` ends the delivery and sends the Stars back.

        Args:
            stage: only payments of this stage id, or of these.
            name: what the ledger calls it; its qualified name when left out. Unfinished jobs are found by it.
            max_attempts: attempts before the payment becomes a dead letter that waits for ``neonpay.jobs.retry``.
            was: the name that it had before. What waits for that name becomes its own, and the old name gets nothing more.

        Raises:
            HandlerError: the name is taken, or the function cannot be called by name, or is a generator.
        """

        def register(function: F) -> F:
            self._house.handlers.add(function, name=name, stage=stage, max_attempts=max_attempts, was=was)
            return function

        return register if function is None else register(function)

    @overload
    def on_refund(self, function: F, /) -> F: ...
    @overload
    def on_refund(
        self,
        function: None = None,
        /,
        *,
        stage: str | Iterable[str] | None = None,
        name: str | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        was: str | None = None,
    ) -> Callable[[F], F]: ...
    def on_refund(
        self,
        function: F | None = None,
        /,
        *,
        stage: str | Iterable[str] | None = None,
        name: str | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        was: str | None = None,
    ) -> F | Callable[[F], F]:
        """Have a function take back what a payment has granted, once its Stars are back; returns the function itself.

        It runs as payment handlers do, in the same three forms, whoever has made the refund: ``refund``, a policy, a handler
        that rejected the payment, or somebody else of whom Telegram tells. It may ask for ``refund`` beside ``result``,
        whose status is ``REFUNDED``. It does not run when no payment handler had delivered or was running.

        Args:
            stage: only refunds of this stage id, or of these.
            name: what the ledger calls it; its qualified name when left out. Unfinished jobs are found by it.
            max_attempts: attempts before it becomes a dead letter that waits for ``neonpay.jobs.retry``.
            was: the name that it had before, as for ``on_payment``.

        Raises:
            HandlerError: the name is taken, or the function cannot be called by name, or is a generator.
        """

        def register(function: F) -> F:
            self._house.revokers.add(function, name=name, stage=stage, max_attempts=max_attempts, was=was)
            return function

        return register if function is None else register(function)

    @overload
    def on_pre_checkout(self, function: F, /) -> F: ...
    @overload
    def on_pre_checkout(
        self, function: None = None, /, *, stage: str | Iterable[str] | None = None
    ) -> Callable[[F], F]: ...
    def on_pre_checkout(
        self, function: F | None = None, /, *, stage: str | Iterable[str] | None = None
    ) -> F | Callable[[F], F]:
        """Ask a function before a checkout is approved; returns the function itself.

        It may ask for ``query``, ``invoice``, ``stage`` and the host's objects by name. Raising ``CheckoutRefused(text)`` or
        returning a text declines with that text, returning False declines, and whatever goes wrong declines too.

        Args:
            stage: only checkouts of this stage id, or of these.

        Raises:
            HandlerError: it is a generator, so that calling it would run none of its lines, or it cannot be called by name.
                When the shop opens: it asks for something that nobody can give it.
        """

        def register(function: F) -> F:
            self._house.add_hook(Hook(function, stage))
            return function

        return register if function is None else register(function)

    def use(self, extension: X, /) -> X:
        """Have an extension take part from now on, whatever opens and closes; it is given back.

        Where the shop is open already, what the extension runs begins within a second.

        Raises:
            ValidationError: its name is none, or it is in use already.
            AdapterError: it has commands or buttons in the bot, or wants to be told of its updates, and the library cannot hand
                them over.
        """
        talks, sees = overrides(extension, "conversation"), overrides(extension, "seen")
        adapter = self._house.adapter
        if sees and not isinstance(adapter, Seeing):
            msg = f"the adapter of {adapter.library} tells of no updates, which extension {extension.name!r} counts"
            raise AdapterError(msg)
        if talks and not isinstance(adapter, Conversing):
            msg = f"the adapter of {adapter.library} hands over no commands, which extension {extension.name!r} answers"
            raise AdapterError(msg)
        if isinstance(extension, Counts):
            extension.count_into(self._house.soft)
        is_first = not self._house.extensions.conversations
        self._house.extensions.add(extension)
        if talks and is_first and isinstance(adapter, Conversing):
            adapter.converse()
        if sees and isinstance(adapter, Seeing):
            adapter.see(self._house.clock)
        return extension

    def add_gate(self, gate: Gate, /) -> None:
        """Ask a gate before an invoice is made and before a checkout is approved, in the transaction that writes it.

        It is asked from now on, after those that were added before, and whatever closes and opens again.
        """
        self._house.add_gate(gate)

    def add_middleware(self, middleware: PaymentMiddleware, /) -> None:
        """Put something around every delivery from now on; the first that was added is the outermost.

        Its ``before_checkout`` becomes one more hook of ``on_pre_checkout``.
        """
        self._house.middlewares.append(middleware)
        if type(middleware).before_checkout is not PaymentMiddleware.before_checkout:
            self.on_pre_checkout(middleware.before_checkout)

    def on(self, event: str | type[Event], /) -> Callable[[F], F]:
        """Tell a function of every event of a kind, in this process, once the event is durable.

        Raises:
            ValidationError: there is no such event.
        """

        def register(function: F) -> F:
            self._house.listeners.add(event, function)
            return function

        return register
