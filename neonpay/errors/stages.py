"""Errors about payment stages, and payloads that are not ours."""

from __future__ import annotations

from neonpay.errors.base import NeonPayError
from neonpay.errors.payments import PaymentError


class StageError(NeonPayError):
    """Something about a payment stage; ``stage_id`` names it."""

    def __init__(self, message: str, *, stage_id: str) -> None:
        self.stage_id = stage_id
        super().__init__(message)


class StageNotFoundError(StageError, PaymentError, KeyError):
    """No stage has this id, so nothing of it can be sold."""

    def __init__(self, stage_id: str) -> None:
        super().__init__(f"no payment stage {stage_id!r}; create it with create_payment_stage()", stage_id=stage_id)

    def __str__(self) -> str:
        return str(self.args[0])


class StageExistsError(StageError, ValueError):
    """The id is taken."""

    def __init__(self, stage_id: str) -> None:
        super().__init__(
            f"payment stage {stage_id!r} exists already; change it with replace_payment_stage()", stage_id=stage_id
        )


class StageLimitError(StageError, ValueError):
    """The registry holds as many stages as it may; ``max_stages`` says how many."""

    def __init__(self, stage_id: str, max_stages: int) -> None:
        self.max_stages = max_stages
        super().__init__(
            f"cannot create payment stage {stage_id!r}: there are {max_stages} already; raise max_stages",
            stage_id=stage_id,
        )


class PayloadError(NeonPayError):
    """An invoice payload that cannot be used."""


class ForeignPayloadError(PayloadError):
    """The payload was not made by neonpay: the invoice belongs to the host bot."""


class ForgedPayloadError(PayloadError):
    """The payload looks like ours but its signature does not verify with any known key."""
