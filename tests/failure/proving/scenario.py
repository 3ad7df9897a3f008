"""What one round of selling and dying is like, and how each life in it is to end."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

POINTS = (
    "before answerPreCheckoutQuery",
    "after answerPreCheckoutQuery",
    "payment received",
    "inside the recording transaction",
    "payment recorded",
    "before the handler",
    "reserved, not remembered",
    "between steps",
    "shipped, not remembered",
    "before the done marker",
    "enlisted statement executed",
    "payment delivered",
)
"""Points that every payment passes."""
_STATEMENTS_PER_PAYMENT = 3
_READINGS_PER_PAYMENT = 40


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One round.

    Attributes:
        is_quick: whether a short round of it is among the tests.
        workers: processes that sell at the same time. One polls; more of them take updates by webhook, through a balancer.
        level: see ``Life``.
        payments: the round ends when so many were made,
        kills: and so many shops were killed.
        server_kills: how often the PostgreSQL server is killed.
        disk_fills: how often nothing more can be written to the disk.
        clock_jumps: how often the clocks jump, by an hour forth or back.
        is_divided: whether the workers have different handlers, which a deploy in the middle gives to others and adds to.
        is_hostile: whether there is a handler that does what none should.
        is_pooled: whether the workers reach PostgreSQL through a pooler of transactions.
    """

    name: str
    engine: Literal["sqlite", "postgresql"]
    workers: int = 1
    level: Literal["A", "B"] = "A"
    payments: int = 5000
    kills: int = 50
    server_kills: int = 0
    disk_fills: int = 0
    clock_jumps: int = 0
    is_divided: bool = False
    is_hostile: bool = False
    is_pooled: bool = False
    is_quick: bool = False

    def handlers(self, slot: int, *, deployed: bool) -> tuple[str, ...]:
        """The handlers of a worker, before the deploy in the middle or after it."""
        if self.is_divided:
            before = (("credit", "revoke"), ("deliver",), ())
            after = (("deliver",), ("credit", "revoke", "audit"), ())
            return (after if deployed else before)[slot % 3]
        every = ("credit", "deliver", "revoke")
        return (*every, "odd") if self.is_hostile else every

    @property
    def payments_per_life(self) -> int:
        """Payments in the whole shop from one kill to the next, on average."""
        return max(2, self.payments // max(1, self.kills))


SCENARIOS = (
    Scenario(name="one process", engine="sqlite", is_quick=True),
    Scenario(name="one process, updates confirmed unseen", engine="sqlite", level="B"),
    Scenario(name="two processes, one file", engine="sqlite", workers=2, is_quick=True),
    Scenario(name="disk full", engine="sqlite", disk_fills=8, is_quick=True),
    Scenario(name="clocks jump", engine="sqlite", clock_jumps=8),
    Scenario(name="three programs and a deploy", engine="sqlite", workers=3, is_divided=True, is_quick=True),
    Scenario(name="hostile handlers", engine="sqlite", is_hostile=True, is_quick=True),
    Scenario(name="one process", engine="postgresql"),
    Scenario(name="one process, updates confirmed unseen", engine="postgresql", level="B"),
    Scenario(name="four workers", engine="postgresql", workers=4),
    Scenario(name="four workers, updates confirmed unseen", engine="postgresql", workers=4, level="B", is_quick=True),
    Scenario(name="three programs and a deploy", engine="postgresql", workers=3, is_divided=True, is_quick=True),
    Scenario(name="hostile handlers", engine="postgresql", workers=4, is_hostile=True, is_quick=True),
    Scenario(name="behind a pooler", engine="postgresql", workers=4, is_pooled=True),
    Scenario(name="server killed", engine="postgresql", workers=4, server_kills=8, is_quick=True),
    Scenario(name="clocks jump", engine="postgresql", workers=4, clock_jumps=8, is_quick=True),
)


@dataclass(frozen=True)
class Doom:
    """How a life ends: at a point, when the fuse has burnt down, or from outside after so many payments of the shop."""

    crash_at: str | None = None
    crash_on: int = 1
    fuse: int | None = None
    outside_after: int | None = None

    @property
    def kind(self) -> str:
        return "at a point" if self.crash_at else "at a random point" if self.fuse else "from outside"


def draw_doom(scenario: Scenario, random: Random) -> Doom:
    """The end of one life, so that the round's kills are spread over its payments."""
    # Of what the whole shop sells, a worker sees its share; its life is as much longer as there are workers.
    own, shop = scenario.payments_per_life, scenario.payments_per_life * scenario.workers
    # A program that has not every handler passes not every point.
    kind = random.randrange(1, 3) if scenario.is_divided else random.randrange(3)
    if kind == 0:
        points = POINTS if scenario.level == "A" else POINTS[:-1]
        return Doom(crash_at=random.choice(points), crash_on=random.randint(1, 2 * own - 1))
    if kind == 1:
        per_payment = _READINGS_PER_PAYMENT if scenario.clock_jumps else _STATEMENTS_PER_PAYMENT
        return Doom(fuse=random.randint(1, 2 * own * per_payment))
    return Doom(outside_after=random.randint(1, 2 * shop - 1))
