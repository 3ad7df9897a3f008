"""The steps of a payment that somebody may stand around who watches them, such as a tracer."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from neonpay.payments.checkout.guard import CheckoutGuard
    from neonpay.payments.invoices.service import InvoiceService
    from neonpay.payments.recording.intake import Intake
    from neonpay.payments.refunds.service import RefundService


class Step(enum.StrEnum):
    """What happens to money.

    Attributes:
        INVOICE: an offer is written and sent, or its link is made.
        CHECKOUT: a buyer pressed Pay and gets an answer.
        DECISION: what the answer is to be; inside ``CHECKOUT``.
        RECORD: a charge is written to the ledger.
        REFUND: the program gives Stars back.
    """

    INVOICE = "invoice"
    CHECKOUT = "checkout"
    DECISION = "decision"
    RECORD = "record"
    REFUND = "refund"


Around: TypeAlias = Callable[[Step, Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]
"""Is given a step and what does it, and gives what is to do it instead: the same, with something before and after."""


def surround(
    around: Around, invoices: InvoiceService, checkout: CheckoutGuard, intake: Intake, refunds: RefundService
) -> None:
    """Put ``around`` about the steps of one pipeline."""
    for part, name, step in (
        (invoices, "send", Step.INVOICE),
        (invoices, "link", Step.INVOICE),
        (checkout, "handle", Step.CHECKOUT),
        (checkout, "_decided", Step.DECISION),
        (intake, "record", Step.RECORD),
        (refunds, "refund", Step.REFUND),
    ):
        setattr(part, name, around(step, getattr(part, name)))
