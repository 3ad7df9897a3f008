"""What a job can be."""

from __future__ import annotations

import enum


class JobState(enum.StrEnum):
    """The state of a job.

    Attributes:
        READY: due at its ``run_at``, or as soon as a program has room for it.
        LEASED: somebody works on it until ``run_at``; after that it is anybody's.
        DONE: it came to its end.
        REFUSED: its message was refused for good: the bot is blocked, the account is gone, or there is no such chat.
        DEAD: it has failed for the last time, and a person has to retry it.
        HELD: a refund of its payment is under way and goes first.
        STRANDED: no program has had its consumer for a day.
        WAITING: it is about a request for a refund that nobody has decided.
        REJECTED: a handler has rejected its payment.
        DROPPED: a refund has ended it before it began.
        INTERRUPTED: a refund has ended it while it ran, so what it does may be done in part.
    """

    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    REFUSED = "refused"
    DEAD = "dead"
    HELD = "held"
    STRANDED = "stranded"
    WAITING = "waiting"
    REJECTED = "rejected"
    DROPPED = "dropped"
    INTERRUPTED = "interrupted"
