"""Verdicts that a seller's own code gives."""

from __future__ import annotations


class RejectPayment(Exception):  # noqa: N818  # a verdict that a handler gives, not a fault
    """Raise it in a payment handler to end the delivery of this payment and send the Stars back.

    Attributes:
        reason: why, in words for the owner; the buyer is not told them.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class RefundRefused(Exception):  # noqa: N818  # a verdict that a hook gives, not a fault
    """Raise it in a ``neonpay.refunds.on_request`` hook to refuse what a buyer asks for; the buyer reads ``message``."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)
