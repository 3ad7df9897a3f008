"""Buyers who want their Stars back, and what is decided about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from neonpay.app.base import Application
from neonpay.core.charge_ids import charge_key
from neonpay.core.requests import RefundRequest, RequestState
from neonpay.errors import ValidationError
from neonpay.payments.refunds.request_store import Verdict

F = TypeVar("F", bound=Callable[..., Any])


class Requesting(Application):
    """Requests for refunds."""

    @overload
    def on_refund_request(self, function: F, /) -> F: ...
    @overload
    def on_refund_request(
        self, function: None = None, /, *, stage: str | Iterable[str] | None = None, name: str | None = None
    ) -> Callable[[F], F]: ...
    def on_refund_request(
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

    async def request_refund(self, charge_id: str, *, user_id: int, words: str | None = None) -> RefundRequest:
        """Take a buyer's request and apply the policy of the stage as it was sold.

        A payment has one request: asking again returns the first one with what was decided. ``approved`` means that its
        refund is intended and being made, ``open`` that a person has to decide (``approve_refund``, ``refuse_refund``).

        Args:
            user_id: who asks; it must be who paid.
            words: their reason, at most 1,000 characters.

        Raises:
            PaymentNotFoundError: the ledger has no such payment of this user.
            PaymentError: the Stars are back, or on their way, already.
        """
        await self.setup()
        return await self._pipeline.requests.ask(charge_key(charge_id), user_id=user_id, words=words)

    async def refund_requests(
        self, state: RequestState | str | None = None, *, limit: int = 100
    ) -> list[RefundRequest]:
        """Requests for refunds, newest first: all that were sent, or those that are open, approved or refused.

        Raises:
            ValidationError: there is no such state.
        """
        try:
            wanted = None if state is None else RequestState(state)
        except ValueError as exc:
            raise ValidationError("state", state, f"one of {[str(known) for known in RequestState]}") from exc
        await self.setup()
        return await self._pipeline.requests.in_state(wanted, limit=limit)

    async def approve_refund(self, request_id: str, *, by: str) -> RefundRequest:
        """Grant a request that waits for a person, and make its refund as far as Telegram does it now.

        A request that is decided already stays as it is and is returned.

        Args:
            by: who decides, in words for the owner.

        Raises:
            RequestNotFoundError: there is no such request.
            RefundError: the request is approved, and Telegram refuses the refund for good.
        """
        await self.setup()
        return await self._pipeline.requests.decide(request_id, Verdict(RequestState.APPROVED, by))

    async def refuse_refund(self, request_id: str, *, by: str, answer: str | None = None) -> RefundRequest:
        """Refuse a request that waits for a person; one that is decided already stays as it is and is returned.

        Args:
            by: who decides, in words for the owner.
            answer: what the buyer is told.

        Raises:
            RequestNotFoundError: there is no such request.
        """
        await self.setup()
        return await self._pipeline.requests.decide(request_id, Verdict(RequestState.REFUSED, by, answer))
