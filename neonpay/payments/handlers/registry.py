"""Handlers: the functions that deliver, or take back, each under a name that a restart finds again."""

from __future__ import annotations

import asyncio
import enum
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from neonpay.core.payments import PaymentResult
from neonpay.errors import HandlerError
from neonpay.payments.foreign_code import refuse_generator

if TYPE_CHECKING:
    import sqlalchemy as sa

    from neonpay.payments.handlers.context import PaymentContext

MAX_ATTEMPTS = 10
"""Attempts of a handler before its job becomes a dead letter; by ``jobs.JOBS_AGAIN`` that is after 8 to 15
hours: long enough for a night's outage, short enough that the buyer is not forgotten."""

ON_PAYMENT = "handler"
"""What jobs of payment handlers begin with."""
_DELIVERIES = f"{ON_PAYMENT}:"
ON_REFUND = "on_refund"
"""What jobs of refund handlers begin with."""
ON_REFUND_REQUEST = "on_refund_request"
"""What hooks that look at a buyer's request for a refund are called by; they have no jobs of their own."""
_DECORATORS = {ON_PAYMENT: "on_payment", ON_REFUND: "on_refund", ON_REFUND_REQUEST: "refunds.on_request"}
_OWN_NAMES: Mapping[str, tuple[str, ...]] = {
    ON_PAYMENT: ("ctx", "connection"),
    ON_REFUND: ("ctx", "connection", "refund"),
    ON_REFUND_REQUEST: ("request",),
}
"""What functions of each kind may ask for beside the result and the host's objects."""
_NOTHING: Mapping[str, object] = MappingProxyType({})

Function = Callable[..., object]


def handler_name(consumer: str) -> str:
    """What a payment handler is called whose jobs are this consumer's; the jobs of all others are called as they are."""
    return consumer.removeprefix(_DELIVERIES)


class Form(enum.Enum):
    """How a handler is called, which decides what can be exactly once."""

    ASYNC = "async"
    """On the event loop; statements that it enlists commit together with the marker that it is done."""
    THREAD = "thread"
    """A plain function, in a thread, so that it cannot stop the loop."""
    TRANSACTION = "transaction"
    """A plain function with a ``connection`` parameter: inside the transaction that records the payment."""


@dataclass(frozen=True, slots=True)
class Handler:
    """One registered function.

    Attributes:
        kind: ``ON_PAYMENT``, ``ON_REFUND`` or ``ON_REFUND_REQUEST``.
        name: stable across restarts; jobs in the ledger carry it.
        stage_ids: the stages whose payments it takes, or None for all.
        max_attempts: attempts before the job becomes a dead letter.
        was: the name that it had before, if it had another.
    """

    kind: str
    name: str
    function: Function = field(repr=False)
    stage_ids: frozenset[str] | None
    max_attempts: int
    form: Form
    parameters: tuple[str, ...]
    result_parameter: str | None
    optional: frozenset[str]
    was: str | None = None

    @property
    def consumer(self) -> str:
        """What jobs call it."""
        return f"{self.kind}:{self.name}"

    @property
    def was_consumer(self) -> str | None:
        """What jobs called it before it was renamed."""
        return None if self.was is None else f"{self.kind}:{self.was}"

    @property
    def runs_inside(self) -> bool:
        """Whether it runs in the transaction that records its payment or its refund."""
        return self.form is Form.TRANSACTION

    @property
    def takes_refund(self) -> bool:
        """Whether it asks for the refund that it is about."""
        return self.kind == ON_REFUND and "refund" in self.parameters

    def takes(self, stage_id: str | None) -> bool:
        """Whether payments of this stage are its."""
        return self.stage_ids is None or stage_id in self.stage_ids

    def arguments(
        self,
        result: PaymentResult,
        *,
        context: PaymentContext | None,
        connection: sa.Connection | None,
        host: Callable[[], Mapping[str, object]],
        about: Mapping[str, object] = _NOTHING,
    ) -> dict[str, object]:
        """The arguments by name.

        Args:
            about: the further facts that functions of this kind may ask for.

        Raises:
            HandlerError: a parameter without a default is nothing that neonpay or the host can give.
        """
        if self.parameters == (self.result_parameter,):
            return {self.parameters[0]: result}
        given: dict[str, object] = {}
        theirs = host()
        for name in self.parameters:
            if name == self.result_parameter:
                given[name] = result
            elif name == "ctx":
                given[name] = context
            elif name == "connection" and connection is not None:
                given[name] = connection
            elif name in about:
                given[name] = about[name]
            elif name in theirs:
                given[name] = theirs[name]
            elif name not in self.optional:
                raise self.unknown_parameter(name, theirs)
        return given

    def unknown_parameter(self, name: str, host: Mapping[str, object]) -> HandlerError:
        """The error for a parameter that nobody fills."""
        known = ", ".join(["result", *_OWN_NAMES[self.kind], *sorted(host)])
        return HandlerError(f"handler {self.name!r} asks for {name!r}; it may ask for: {known}")


class HandlerRegistry:
    """The handlers of one kind of one application, in the order in which they were registered."""

    def __init__(self, kind: str = ON_PAYMENT) -> None:
        self._kind = kind
        self._handlers: dict[str, Handler] = {}
        self.runs_inside = False
        """Whether a handler runs in the transaction that records its payment; asked for with every payment."""
        self._by_stage: dict[str | None, list[Handler]] = {}
        self._told: list[Callable[[], None]] = []
        self._host_now: Callable[[], Mapping[str, object] | None] = lambda: None

    def add(
        self,
        function: Function,
        *,
        name: str | None = None,
        stage: str | Iterable[str] | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        was: str | None = None,
    ) -> Handler:
        """Register a function.

        Raises:
            HandlerError: its name is taken, it has none, calling it would run none of its lines, or the shop is open and nobody
                can give it what it asks for.
        """
        if not callable(function):
            msg = f"a handler must be callable; got {type(function).__name__}"
            if isinstance(function, str):
                msg = f"a stage is named so: @neonpay.{_DECORATORS[self._kind]}(stage={function!r})"
            raise HandlerError(msg)
        if max_attempts < 1:
            msg = f"max_attempts must be at least 1; got {max_attempts}"
            raise HandlerError(msg)
        stable = name or _stable_name(function, self._kind)
        refuse_generator(function, f"handler {stable!r}")
        handler = replace(_handler(self._kind, function, stable, stage_ids_of(stage), max_attempts), was=was)
        if handler.consumer in self._handlers:
            msg = (
                f"two {_DECORATORS[self._kind]} handlers are called {handler.name!r}; give one a name of its own: "
                f'@neonpay.{_DECORATORS[self._kind]}(name="…"). Names stay the same for ever: unfinished jobs are found '
                "by them."
            )
            raise HandlerError(msg)
        host = self._host_now()
        if host is not None:
            self._check(handler, host)
        self._handlers[handler.consumer] = handler
        self.runs_inside = self.runs_inside or handler.runs_inside
        # A new dict and not an emptied one: the writer's thread may be about to put an answer of before into the old one.
        self._by_stage = {}
        for tell in self._told:
            tell()
        return handler

    def tell(self, of_more: Callable[[], None]) -> None:
        """Call ``of_more`` for each handler that is registered from now on."""
        self._told.append(of_more)

    def __iter__(self) -> Iterator[Handler]:
        return iter(list(self._handlers.values()))

    def find(self, consumer: str) -> Handler | None:
        """The handler that a job names, or None when the program has it no longer."""
        return self._handlers.get(consumer)

    def for_stage(self, stage_id: str | None) -> Sequence[Handler]:
        """The handlers of a stage's payments."""
        by_stage = self._by_stage
        found = by_stage.get(stage_id)
        if found is None:
            found = by_stage[stage_id] = [handler for handler in self._handlers.values() if handler.takes(stage_id)]
        return found

    @property
    def consumers(self) -> list[str]:
        """What jobs call the handlers."""
        return list(self._handlers)

    def check(self, host: Mapping[str, object]) -> None:
        """Raise HandlerError for the first parameter that neither neonpay nor the host can give."""
        for handler in self._handlers.values():
            self._check(handler, host)

    def check_when(self, host_now: Callable[[], Mapping[str, object] | None]) -> None:
        """Check what is registered from now on at once, whenever ``host_now`` gives the host's objects."""
        self._host_now = host_now

    def _check(self, handler: Handler, host: Mapping[str, object]) -> None:
        known = {*_OWN_NAMES[self._kind], *host}
        for name in handler.parameters:
            if name not in known and name != handler.result_parameter and name not in handler.optional:
                raise handler.unknown_parameter(name, host)

    def __len__(self) -> int:
        return len(self._handlers)


def _handler(kind: str, function: Function, name: str, stage_ids: frozenset[str] | None, max_attempts: int) -> Handler:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as exc:
        msg = f"handler {name!r} has no signature that can be read; wrap it in a function"
        raise HandlerError(msg) from exc
    named = [p for p in signature.parameters.values() if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}]
    if any(p.kind is p.POSITIONAL_ONLY for p in signature.parameters.values()):
        msg = f"handler {name!r} has positional-only parameters; neonpay passes arguments by name"
        raise HandlerError(msg)
    form = _form(function, {p.name for p in named})
    if form is Form.ASYNC and "connection" in {p.name for p in named}:
        msg = (
            f"handler {name!r} is asynchronous and asks for 'connection'; a transaction cannot wait for it. "
            "Use ctx.enlist(statement), or make it a plain function"
        )
        raise HandlerError(msg)
    if form is Form.TRANSACTION and "ctx" in {p.name for p in named}:
        msg = f"handler {name!r} asks for 'connection' and 'ctx'; inside the transaction there is no context to use"
        raise HandlerError(msg)
    return Handler(
        kind=kind,
        name=name,
        function=function,
        stage_ids=stage_ids,
        max_attempts=max_attempts,
        form=form,
        parameters=tuple(p.name for p in named),
        result_parameter=_result_parameter(kind, [p.name for p in named]),
        optional=frozenset(p.name for p in named if p.default is not p.empty),
    )


def _form(function: Function, parameters: set[str]) -> Form:
    inner: object = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    called = inner if inspect.isroutine(inner) else getattr(inner, "__call__", inner)  # noqa: B004
    if any(asyncio.iscoroutinefunction(inspect.unwrap(f)) for f in (function, inner, called) if callable(f)):
        return Form.ASYNC
    return Form.TRANSACTION if "connection" in parameters else Form.THREAD


def _result_parameter(kind: str, names: list[str]) -> str | None:
    if "result" in names:
        return "result"
    # The guide's handlers call it what they like; it is the first parameter that is not one of ours.
    first = names[0] if names else None
    return None if first in {*_OWN_NAMES[kind], "bot"} else first


def _stable_name(function: Function, kind: str) -> str:
    name = getattr(function, "__qualname__", None)
    if not isinstance(name, str) or "<lambda>" in name:
        msg = f'a handler without a name of its own needs one: @neonpay.{_DECORATORS[kind]}(name="…")'
        raise HandlerError(msg)
    return name.replace("<locals>.", "")


def stage_ids_of(stage: str | Iterable[str] | None) -> frozenset[str] | None:
    """What a decorator was told of stages; None for all of them."""
    if stage is None:
        return None
    return frozenset([stage]) if isinstance(stage, str) else frozenset(stage)
