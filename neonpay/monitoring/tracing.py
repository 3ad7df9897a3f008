"""Spans of OpenTelemetry around what happens to money; the only module here that needs opentelemetry-api.

Nobody who does not ask for them has any of it: steps are wrapped on the pipeline of a program that has called
``neonpay.program.trace()``, and the pipeline of every other program is what it was. A span says which bot, which stage and how
many Stars, and no name, no payload and no words of an error, which may have such things in them. What a sampler or a processor
of the program raises goes to the log and changes no payment.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from neonpay._version import __version__
from neonpay.core.charge_ids import shortened
from neonpay.core.payments import Invoice, Payment, PaymentResult, PreCheckout, Refund
from neonpay.core.text import error_words
from neonpay.payments.handlers.middleware import Next, PaymentMiddleware
from neonpay.payments.steps import Step

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

logger = logging.getLogger("neonpay.monitoring")

_PREFIX: Final = "neonpay"

Values = dict[str, str | int | bool]


class Tracing(PaymentMiddleware):
    """Makes spans with a tracer; a middleware for handlers, and ``around`` for every other step."""

    def __init__(self, tracer: Tracer, bot_id: int) -> None:
        self._tracer = tracer
        self._bot_id = bot_id

    def around(self, step: Step, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The same call inside a span; a decision is no span of its own, and says how the checkout was answered."""
        if step is Step.DECISION:
            return _telling_the_answer(call)

        @functools.wraps(call)
        async def traced(*args: Any, **kwargs: Any) -> Any:
            with self._span(step.value, _asked(args)) as span:
                result = await call(*args, **kwargs)
                span.add(_told(step, result))
                return result

        return traced

    async def around_payment(self, result: PaymentResult, context: Mapping[str, object], call_next: Next) -> None:
        """A span around one attempt of one handler."""
        values = {
            **_of_payment(result.payment),
            "handler": str(context.get("handler")),
            "attempt": int(str(context.get("attempt"))),
        }
        with self._span("handler", values):
            await call_next()

    def _span(self, step: str, values: Values) -> _Span:
        return _Span(self._tracer, f"{_PREFIX}.{step}", {"bot_id": self._bot_id, **values})


class _Span:
    """The current span inside a ``with`` block; what is raised is named by its kind alone.

    Every call of OpenTelemetry runs code of the program, as a listener would, and its errors end here.
    """

    def __init__(self, tracer: Tracer, name: str, values: Values) -> None:
        self._tracer = tracer
        self._name = name
        self._values = values
        self._opened: AbstractContextManager[Span] | None = None
        self._span: Span | None = None

    def __enter__(self) -> Self:
        try:
            opened = self._tracer.start_as_current_span(
                self._name,
                kind=SpanKind.INTERNAL,
                attributes=_named(self._values),
                record_exception=False,
                set_status_on_exception=False,
            )
            self._span = opened.__enter__()
            self._opened = opened
        except Exception as exc:  # noqa: BLE001  # a processor or a sampler of the program; the payment goes on without a span
            _tell(exc)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._opened is None or self._span is None:
            return
        try:
            if kind is not None:
                self._span.set_attribute("error.type", kind.__name__)
                self._span.set_status(Status(StatusCode.ERROR))
            self._opened.__exit__(kind, error, traceback)
        except Exception as exc:  # noqa: BLE001  # as above; what the step has raised itself goes on its way
            _tell(exc)

    def add(self, values: Values) -> None:
        """Say more of it."""
        if self._span is not None:
            self._span.set_attributes(_named(values))


def _tell(error: Exception) -> None:
    logger.warning("OpenTelemetry failed at a span, and the step went on: %s", error_words(error))


def tracing(bot_id: int, tracer_provider: trace.TracerProvider | None) -> Tracing:
    """What makes the spans of a bot.

    Args:
        tracer_provider: whose spans they are; the one that the program has set when left out.
    """
    return Tracing(trace.get_tracer("neonpay", __version__, tracer_provider), bot_id)


def _telling_the_answer(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(call)
    async def decided(*args: Any, **kwargs: Any) -> Any:
        refusal = await call(*args, **kwargs)
        answer: Values = {"answer": "approved" if refusal is None else "declined"}
        if refusal is not None and str(refusal.reason).isidentifier():
            answer["reason"] = str(refusal.reason)
        trace.get_current_span().set_attributes(_named(answer))
        return refusal

    return decided


def _asked(args: tuple[Any, ...]) -> Values:
    """What is known before a step: of an offer its stage, of a checkout and an arrival how many Stars."""
    subject = args[0] if args else None
    if isinstance(subject, PreCheckout):
        return {"amount_stars": subject.amount}
    if isinstance(subject, str):
        return {"charge_id": shortened(subject)}
    found: Values = {}
    stage_id = getattr(subject, "stage_id", None)
    if isinstance(stage_id, str):
        found["stage_id"] = stage_id
    charge = getattr(subject, "charge", None)
    if charge is not None:
        found |= {
            "charge_id": shortened(charge.charge_id),
            "amount_stars": charge.amount,
            "source": charge.source.value,
        }
    return found


def _told(step: Step, result: object) -> Values:
    """What is known after it; a charge that the ledger had already comes to nothing."""
    payment = getattr(result, "payment", None)
    if isinstance(payment, Payment):
        return {**_of_payment(payment), "state": payment.state.value}
    if isinstance(result, Invoice):
        return {"stage_id": result.stage_id, "invoice_id": result.invoice_id, "price_stars": result.price_stars}
    if isinstance(result, Refund):
        return {"amount_stars": result.amount_stars, "state": result.state.value}
    return {"is_repeated": True} if step is Step.RECORD and result is None else {}


def _of_payment(payment: Payment) -> Values:
    values: Values = {
        "charge_id": shortened(payment.charge_id),
        "amount_stars": payment.amount_stars,
        "is_recurring": payment.is_recurring,
    }
    return values if payment.stage_id is None else {**values, "stage_id": payment.stage_id}


def _named(values: Values) -> Values:
    return {f"{_PREFIX}.{name}": value for name, value in values.items()}
