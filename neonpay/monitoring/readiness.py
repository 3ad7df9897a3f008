"""Whether a shop is ready: it answers, it works, its books were compared lately, and not too much has failed for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neonpay.core.jsontext import JsonValue
    from neonpay.monitoring.settings import MonitoringSettings
    from neonpay.monitoring.standing import Standing
    from neonpay.monitoring.watched import Watched


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is in the way.

    Attributes:
        code: a word that stays, for programs: ``ledger``, ``closed``, ``loop``, ``reconciliation`` or ``dead_letters``.
        finding: the same in words, without anything secret.
    """

    code: str
    finding: str
    bot_id: int | None = None

    def as_json(self) -> dict[str, JsonValue]:
        """For a monitor."""
        about = {} if self.bot_id is None else {"bot_id": self.bot_id}
        return {"reason": self.code, "finding": self.finding, **about}


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is in the way; nothing when the shop is ready."""

    reasons: tuple[Reason, ...]

    @property
    def is_ready(self) -> bool:
        """Whether nothing is in the way."""
        return not self.reasons

    def as_json(self) -> dict[str, JsonValue]:
        """For a monitor."""
        return {"ready": self.is_ready, "reasons": [reason.as_json() for reason in self.reasons]}


def readiness(
    watched: Sequence[Watched],
    standings: Sequence[Standing] | None,
    settings: MonitoringSettings,
    *,
    watches_loops: bool = True,
) -> Readiness:
    """What is in the way of these shops.

    Args:
        standings: what the ledger has said; None when it did not answer.
        watches_loops: False in a program that takes up no work, which needs to be neither open nor at work.
    """
    reasons: list[Reason] = []
    for shop in watched if watches_loops else ():
        bot_id = shop.adapter.bot_id
        if not shop.pipeline.is_open:
            reasons.append(Reason("closed", "this process does not have the shop open", bot_id))
        reasons += [
            Reason("loop", f"the loop {loop.name} does not run", bot_id) for loop in shop.loops if not loop.is_alive
        ]
    if standings is None:
        return Readiness((*reasons, Reason("ledger", "the ledger does not answer")))
    for standing in standings:
        reasons += _about(standing, settings)
    return Readiness(tuple(reasons))


def _about(standing: Standing, settings: MonitoringSettings) -> list[Reason]:
    found: list[Reason] = []
    age_s, most_s = standing.compared_s, settings.reconcile_age_max_s
    if age_s is not None and most_s is not None and age_s > most_s:
        words = f"the last comparison with Telegram was {age_s:.0f} s ago; {most_s:g} s are allowed"
        found.append(Reason("reconciliation", words, standing.bot_id))
    dead, most = standing.attention.dead, settings.dead_letters_max
    if most is not None and dead > most:
        words = f"{dead} {'job has' if dead == 1 else 'jobs have'} failed for the last time; {most} are allowed"
        found.append(Reason("dead_letters", words, standing.bot_id))
    return found
