"""What a round has come to: the ledger beside the simulator, seen from outside both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neonpay.simulator import Payment
from tests.failure.proving.oddity import misdeed
from tests.failure.proving.remains import Remains

_WORDS = ("reserved", "shipped")
_EFFECTS = ("credited", "delivered", "audited", "revoked", "odd")


@dataclass
class Tally:
    """The figures of one round, or of many.

    Attributes:
        lost: payments that the ledger does not have, or whose effect the shop's database does not have.
        doubled: payments or effects that are there more than once.
        calls, repeated: calls of somebody's service, and how many of them were repeats.
        recovered: payments that only the comparison with Telegram's list has found.
        wrong: whatever else contradicts what is promised.
    """

    payments: int = 0
    refunded: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    server_kills: int = 0
    disk_fills: int = 0
    clock_jumps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    calls: int = 0
    repeated: int = 0
    recovered: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            if isinstance(value, Counter):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)

    def compare(
        self,
        taken: list[Payment],
        balance: int,
        remains: Remains,
        calls: Counter[tuple[str, str]],
        *,
        is_hostile: bool = False,
    ) -> None:
        """Hold what is in the database against what happened in Telegram and at somebody's service."""
        charges = {payment.charge_id for payment in taken}
        kept = {payment.charge_id for payment in taken if not payment.refunded}
        self.payments += len(charges)
        self.refunded += len(charges) - len(kept)
        self.recovered += remains.recovered
        self._compare_payments(charges, remains)
        for what in _EFFECTS:
            # A refund ends the delivery that is under way, so a refunded payment may have been delivered or not.
            found = _found(remains, what)
            must = kept if what in {"credited", "delivered"} else set()
            if what == "odd" and is_hostile:
                must = {charge for charge in kept if misdeed(charge) is None}
            self.lost += len(must - found.keys())
            self.doubled += sum(times > 1 for times in found.values())
            self._expect(not found.keys() - charges, f"{what} without a payment: {sorted(found.keys() - charges)[:3]}")
        granted = {charge for what in ("credited", "delivered") for charge in _found(remains, what)}
        kept_both = (granted - kept) - _found(remains, "revoked").keys()
        self._expect(not kept_both, f"refunded, and never revoked: {sorted(kept_both)[:3]}")
        undone = {charge for charge in _found(remains, "odd") if misdeed(charge) is not None}
        self._expect(not undone, f"what a handler wrote that counts as failed: {sorted(undone)[:3]}")
        self._expect(not remains.oversold, f"invoices that were sold too often: {remains.oversold[:3]}")
        self._expect(not remains.dead, f"dead letters: {remains.dead[:3]}")
        for word in _WORDS:
            made = Counter({charge: times for (each, charge), times in calls.items() if each == word})
            self.lost += len(kept - made.keys())
            self.calls += made.total()
            self.repeated += made.total() - len(made)
        self._expect(
            remains.stars == balance, f"the ledger has {remains.stars} Stars, Telegram says that the bot has {balance}"
        )
        self._expect(not remains.unbalanced, f"entries that do not add up: {remains.unbalanced[:3]}")
        ended = {"done", "dropped", "interrupted", *(["dead"] if is_hostile else [])}
        self._expect(not remains.job_states.keys() - ended, f"jobs: {remains.job_states}")

    def audit(self, books: Mapping[str, Any]) -> None:
        """Take in what the shop's own comparison and proof have found after everything was settled."""
        self._expect(books["is_clean"] and not books["recovered"], f"the comparison is not clean: {books['report']}")
        self._expect(not books["findings"], f"the proof has findings: {books['findings']}")
        self._expect(books["seals"] > 0, "nothing was sealed")

    def _compare_payments(self, charges: set[str], remains: Remains) -> None:
        self.lost += len(charges - remains.payments.keys())
        self.doubled += sum(times > 1 for times in remains.payments.values())
        self._expect(not remains.payments.keys() - charges, "payments that nobody made")
        states = Counter(state for state in remains.states.values() if state not in {"accepted", "refunded"})
        self._expect(not states, f"payments in other states: {dict(states)}")

    def _expect(self, fact: bool, words: str) -> None:
        if not fact:
            self.wrong.append(words)


def _found(remains: Remains, what: str) -> Counter[str]:
    return Counter({charge: times for (each, charge), times in remains.effects.items() if each == what})
