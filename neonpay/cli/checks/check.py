"""What a check has found."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """How bad it is, best first."""

    SKIPPED = "skipped"
    """Not looked at."""
    OK = "ok"
    WARNING = "warning"
    """It sells; somebody should look."""
    PROBLEM = "problem"
    """Payments fail, get lost or are delivered late."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what was looked at; it stays the same from release to release, for scripts.
        finding: what is, in one line.
        advice: what to do about it, in one line; empty when there is nothing to do.
    """

    name: str
    state: State
    finding: str
    advice: str = ""


def ok(name: str, finding: str) -> Check:
    """As it should be."""
    return Check(name, State.OK, finding)


def warning(name: str, finding: str, advice: str) -> Check:
    """Somebody should look."""
    return Check(name, State.WARNING, finding, advice)


def problem(name: str, finding: str, advice: str) -> Check:
    """Something that costs payments."""
    return Check(name, State.PROBLEM, finding, advice)


def skipped(name: str, finding: str, advice: str = "") -> Check:
    """Not looked at, for the reason ``finding``."""
    return Check(name, State.SKIPPED, finding, advice)


def worst(checks: list[Check]) -> State:
    """The state of the whole."""
    order = list(State)
    return max((check.state for check in checks), key=order.index, default=State.OK)
