"""How far a payment is, as its trace and one word beside it say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.payments.progress import Progress, standing_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neonpay.core.payments import Payment
    from neonpay.store.job_rows import JobRecord

_TRACES: Final = {
    Progress.DELIVERED: "delivered",
    Progress.WAITING: "paid",
    Progress.DEAD: "stuck",
    Progress.DROPPED: "paid",
    Progress.NEEDS_ATTENTION: "stuck",
    Progress.REFUND_DUE: "paid",
    Progress.REFUNDED: "refunded",
}
_WORDS: Final = {
    Progress.DELIVERED: "delivered",
    Progress.WAITING: "delivering",
    Progress.DEAD: "failed",
    Progress.DROPPED: "dropped",
    Progress.NEEDS_ATTENTION: "attention",
    Progress.REFUND_DUE: "going_back",
    Progress.REFUNDED: "refunded",
}


@dataclass(frozen=True, slots=True)
class Life:
    """A payment's life in one shape and one word.

    Attributes:
        trace: which shape of ``trace.html``.
        word: the key of ``payments.state_…``.
        why: the cause, where there is one: an attention, or a handler with its error.
    """

    trace: str
    word: str
    why: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether a person has to do something."""
        return self.trace == "stuck" or self.word in {"refund_refused", "after_refund"}


def life_of(payment: Payment, jobs: Sequence[JobRecord], *, needs_person: bool) -> Life:
    """The life of a payment with these jobs.

    Args:
        needs_person: whether it waits for one; see ``neonpay.payments.waiting``.
    """
    standing = standing_of(payment, jobs)
    trace, word = _TRACES[standing.progress], _WORDS[standing.progress]
    if needs_person and trace == "paid":
        trace, word = "stuck", "failed"
    elif needs_person and trace == "delivered":
        word = "refund_refused"
    elif needs_person and trace == "refunded":
        word = "after_refund"
    return Life(trace, word, standing.why)
