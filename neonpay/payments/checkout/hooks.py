"""The functions of a program that look at a checkout before it is approved: one of the four doors in ``payments.gates``."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping

from neonpay.core.checkout import CheckoutRefused
from neonpay.core.payments import Invoice, PreCheckout
from neonpay.errors import HandlerError
from neonpay.payments.foreign_code import call, held, refuse_generator, refuse_unrun
from neonpay.payments.handlers.registry import Function, stage_ids_of
from neonpay.payments.threads import Threads

_WHAT = "an on_pre_checkout hook"
_OWN = ("query", "invoice", "stage")


class Hook:
    """One function, and the stages whose checkouts it looks at.

    Args:
        stage: a stage id, or several; None for all.

    Raises:
        HandlerError: none of its lines would run, or it has parameters that nothing can be passed to by name.
    """

    def __init__(self, function: Function, stage: str | Iterable[str] | None = None) -> None:
        refuse_generator(function, _WHAT)
        self.function = function
        self._stage_ids = stage_ids_of(stage)
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError) as exc:
            msg = f"{_WHAT} has no signature that can be read; wrap it in a function"
            raise HandlerError(msg) from exc
        named = [one for one in parameters if one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}]
        if any(one.kind is one.POSITIONAL_ONLY for one in parameters):
            msg = f"{_WHAT} has positional-only parameters; neonpay passes arguments by name"
            raise HandlerError(msg)
        self._parameters = tuple(one.name for one in named)
        self._optional = frozenset(one.name for one in named if one.default is not one.empty)

    def looks_at(self, stage_id: str) -> bool:
        """Whether checkouts of this stage are its."""
        return self._stage_ids is None or stage_id in self._stage_ids

    def check(self, host: Mapping[str, object]) -> None:
        """Raise HandlerError for a parameter that neither neonpay nor the host can give."""
        known = {*_OWN, *host}
        for place, name in enumerate(self._parameters):
            if name not in known and name not in self._optional and place > 0:
                may = ", ".join([*_OWN, *sorted(host)])
                title = getattr(self.function, "__qualname__", repr(self.function))
                msg = f"on_pre_checkout hook {title} asks for {name!r}; it may ask for: {may}"
                raise HandlerError(msg)

    def arguments(self, query: PreCheckout, invoice: Invoice, host: Mapping[str, object]) -> dict[str, object]:
        """The arguments by name; the first parameter, when its name is none of those, is the query."""
        known = {"query": query, "invoice": invoice, "stage": invoice.stage, **host}
        given = {name: known[name] for name in self._parameters if name in known}
        if self._parameters and self._parameters[0] not in known:
            given[self._parameters[0]] = query
        return given


class Hooks:
    """The hooks of one program, in the order in which they were added.

    Args:
        threads: where plain functions run.
    """

    def __init__(self, threads: Threads, host_data: Callable[[], Mapping[str, object]]) -> None:
        self._threads = threads
        self._host_data = host_data
        self._hooks: list[Hook] = []
        self._asked: set[asyncio.Task[object]] = set()
        """Those that are asked, among them some that did not take notice of having been cancelled."""

    def add(self, hook: Hook) -> None:
        """Ask a hook from now on."""
        self._hooks.append(hook)

    def look_at(self, stage_id: str) -> bool:
        """Whether one of them looks at checkouts of this stage."""
        return any(hook.looks_at(stage_id) for hook in self._hooks)

    def check(self, host: Mapping[str, object]) -> None:
        """Raise HandlerError for the first hook that asks for what nobody can give."""
        for hook in self._hooks:
            hook.check(host)

    async def ask(self, query: PreCheckout, invoice: Invoice) -> None:
        """Ask every hook of the stage in turn.

        Raises:
            CheckoutRefused: one of them declines.
        """
        for hook in self._hooks:
            if hook.looks_at(invoice.stage_id):
                await self._ask(hook, query, invoice)

    async def _ask(self, hook: Hook, query: PreCheckout, invoice: Invoice) -> None:
        given = hook.arguments(query, invoice, self._host_data())
        # In a task of its own, so that a hook which does not take notice of the end of the budget is left behind.
        asking = asyncio.ensure_future(self._verdict_of(hook.function, given))
        self._asked.add(asking)
        asking.add_done_callback(self._forget)
        try:
            await asyncio.wait({asking})
        finally:
            asking.cancel()
        verdict = asking.result()
        if verdict is False:
            raise CheckoutRefused("")
        if isinstance(verdict, str):
            raise CheckoutRefused(verdict)

    async def _verdict_of(self, function: Function, given: Mapping[str, object]) -> object:
        if inspect.iscoroutinefunction(function):
            outcome: object = call(lambda: function(**given))
        else:
            outcome = await self._threads.run(function, function, **given)
        verdict = await held(outcome) if inspect.isawaitable(outcome) else outcome
        refuse_unrun(verdict, _WHAT)
        return verdict

    def _forget(self, asking: asyncio.Task[object]) -> None:
        self._asked.discard(asking)
        if not asking.cancelled():
            asking.exception()  # whoever waited has it, or had to answer before it came
