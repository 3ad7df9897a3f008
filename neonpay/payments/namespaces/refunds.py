"""``neonpay.refunds``: Stars on their way back, and buyers who want theirs."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from neonpay.core.charge_ids import charge_key
from neonpay.core.namespaces import M, verb
from neonpay.core.payments import Refund, RefundState
from neonpay.core.requests import RefundRequest, RequestState
from neonpay.errors import ValidationError
from neonpay.payments.handlers.registry import HandlerRegistry
from neonpay.payments.history import most_rows
from neonpay.payments.namespaces.served import Opened, Served
from neonpay.payments.refunds.request_store import Verdict

F = TypeVar("F", bound=Callable[..., Any])


class Refunds(Served[M], path="refunds"):
    """Refunds that were asked for, and requests for refunds. ``neonpay.refund`` makes one."""

    def __init__(self, mode: M, opened: Opened, reviewers: HandlerRegistry) -> None:
        super().__init__(mode, opened)
        self._reviewers = reviewers

    @verb
    async def get(self, charge_id: str) -> Refund | None:
        """The refund of a payment, or None when nobody has asked for one."""
        pipeline = await self._opened()
        return await pipeline.history.refund(charge_key(charge_id))

    @verb
    async def list(self, state: RefundState | str | None = None, *, limit: int = 100) -> builtins.list[Refund]:
        """Refunds, newest first: all of them, or those that are intended, unknown, refunded or failed.

        Args:
            limit: how many at most, 1 to 100,000.

        Raises:
            ValidationError: there is no such state, or the limit is none.
        """
        try:
            wanted = None if state is None else RefundState(state)
        except ValueError as exc:
            raise ValidationError("state", state, f"one of {[str(known) for known in RefundState]}") from exc
        pipeline = await self._opened()
        return await pipeline.refunds.in_state(wanted, limit=most_rows(limit))

    @verb
    async def request(self, charge_id: str, *, user_id: int, words: str | None = None) -> RefundRequest:
        """Take a buyer's request and apply the policy of the stage as it was sold.

        A payment has one request: asking again returns the first one with what was decided. ``approved`` means that its
        refund is intended and being made, ``open`` that a person has to decide (``approve``, ``refuse``).

        Args:
            user_id: who asks; it must be who paid.
            words: their reason, at most 1,000 characters.

        Raises:
            PaymentNotFoundError: the ledger has no such payment of this user.
            PaymentError: the Stars are back, or on their way, already.
        """
        pipeline = await self._opened()
        return await pipeline.requests.ask(charge_key(charge_id), user_id=user_id, words=words)

    @verb
    async def requests(
        self, state: RequestState | str | None = None, *, limit: int = 100
    ) -> builtins.list[RefundRequest]:
        """Requests for refunds, newest first: all that were sent, or those that are open, approved or refused.

        Args:
            limit: how many at most, 1 to 100,000.

        Raises:
            ValidationError: there is no such state, or the limit is none.
        """
        try:
            wanted = None if state is None else RequestState(state)
        except ValueError as exc:
            raise ValidationError("state", state, f"one of {[str(known) for known in RequestState]}") from exc
        pipeline = await self._opened()
        return await pipeline.requests.in_state(wanted, limit=most_rows(limit))

    @verb
    async def approve(self, request_id: str, *, by: str) -> RefundRequest:
        """Grant a request that waits for a person, and make its refund as far as Telegram does it now.

        A request that is decided already stays as it is and is returned.

        Args:
            by: who decides, in words for the owner.

        Raises:
            RequestNotFoundError: there is no such request.
            RefundError: the request is approved, and Telegram refuses the refund for good.
        """
        pipeline = await self._opened()
        return await pipeline.requests.decide(request_id, Verdict(RequestState.APPROVED, by))

    @verb
    async def refuse(self, request_id: str, *, by: str, answer: str | None = None) -> RefundRequest:
        """Refuse a request that waits for a person; one that is decided already stays as it is and is returned.

        Args:
            by: who decides, in words for the owner.
            answer: what the buyer is told.

        Raises:
            RequestNotFoundError: there is no such request.
        """
        pipeline = await self._opened()
        return await pipeline.requests.decide(request_id, Verdict(RequestState.REFUSED, by, answer))

    @overload
    def on_request(self, function: F, /) -> F: ...
    @overload
    def on_request(
        self, function: None = None, /, *, stage: str | Iterable[str] | None = None, name: str | None = None
    ) -> Callable[[F], F]: ...
    def on_request(
        self,
        function: F | None = None,
        /,
        *,
        stage: str | Iterable[str] | None = None,
        name: str | None = None,
    ) -> F | Callable[[F], F]:
        """Ask a function before a buyer's request for a refund is granted; returns the function itself.

        It may ask for ``result``, ``request`` and the host's objects by name. Raising ``RefundRefused(text)`` refuses with a
        text that the buyer reads, returning ``"review"`` has a person decide, and anything else leaves it to the stage's
        policy. What goes wrong in it has a person decide too. It may run more than once for one request.

        Args:
            stage: only requests about this stage id, or about these.
            name: what the ledger calls it when it refuses; its qualified name when left out.

        Raises:
            HandlerError: the name is taken, or the function cannot be called by name.
        """

        def register(function: F) -> F:
            self._reviewers.add(function, name=name, stage=stage)
            return function

        return register if function is None else register(function)
