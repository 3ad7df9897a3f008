"""Around what happens to a sale: before its invoice, before its checkout, and around each delivery."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from neonpay.core.payments import Invoice, PaymentResult, PreCheckout
from neonpay.core.stages import PaymentStage

Next = Callable[[], Awaitable[None]]
"""Runs what comes after a middleware: the next one, and the handler in the end."""


class PaymentMiddleware:
    """Override what you need, and give an object of it to ``neonpay.add_middleware``.

    Nothing here can lose a payment: recording passes no middleware, and a delivery that fails is tried again.
    """

    async def before_payment(self, stage: PaymentStage, context: Mapping[str, object]) -> PaymentStage | None:
        """Before an invoice is made: the stage to sell, which may be another one, such as the same at another price.

        None refuses the sale: ``send_payment`` raises SaleRefused, and nothing is sent.

        Args:
            context: ``stage_id``, and ``user_id`` of who asks, or None for a link that nobody in particular asked for.
        """
        return stage

    async def before_checkout(self, query: PreCheckout, invoice: Invoice) -> None:
        """Before a checkout is approved; raise ``CheckoutRefused`` to decline it. Telegram waits ten seconds for all hooks."""

    async def around_payment(self, result: PaymentResult, context: Mapping[str, object], call_next: Next) -> None:
        """Around one attempt of one ``on_payment`` handler; awaiting ``call_next()`` runs it.

        What is raised counts as the handler's own failure, and an attempt that does not call ``call_next`` as delivered.
        Handlers with a ``connection`` run inside the recording transaction, which waits for nobody, and pass no middleware.

        Args:
            context: ``handler``, its name; ``attempt``, which begins with 1; ``user_id``, ``stage_id`` and ``charge_id``.
        """
        try:
            await call_next()
        except Exception as exc:
            await self.on_error(exc, context)
            raise
        await self.after_payment(result, context)

    async def after_payment(self, result: PaymentResult, context: Mapping[str, object]) -> None:
        """A handler has returned; see ``around_payment``."""

    async def on_error(self, error: Exception, context: Mapping[str, object]) -> None:
        """A handler has raised, and runs again later unless that was its last attempt; see ``around_payment``."""


async def run_through(
    middlewares: Sequence[PaymentMiddleware], result: PaymentResult, context: Mapping[str, object], handler: Next
) -> None:
    """Run a handler inside middlewares, the first of them outermost."""
    if not middlewares:
        await handler()
        return
    first, rest = middlewares[0], middlewares[1:]
    await first.around_payment(result, context, lambda: run_through(rest, result, context, handler))


async def stage_through(
    middlewares: Sequence[PaymentMiddleware], stage: PaymentStage, context: Mapping[str, object]
) -> PaymentStage | None:
    """The stage that is sold after all middlewares had their say, or None when one of them refuses."""
    sold: PaymentStage | None = stage
    for middleware in middlewares:
        if sold is not None:
            sold = await middleware.before_payment(sold, context)
    return sold
