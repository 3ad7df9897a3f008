"""What reports have to say of a history, counted by hand in plain Python."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from tests.property.report_times import DAY_US

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.property.report_history import History, Invoice, Payment

Takings = tuple[int, int, int, int]
"""Orders, gross, returned, returned Stars."""


class Oracle:
    """A history, seen by somebody who looks at these bots and stages."""

    def __init__(self, history: History, bots: Sequence[int], stages: Sequence[str] | None) -> None:
        self.history = history
        self.bots = bots
        self.stages = stages
        self.paid = [one for one in history.payments if one.currency == "XTR" and self._is_its(one.bot, one.stage)]

    def _is_its(self, bot: int, stage: str | None) -> bool:
        return bot in self.bots and (self.stages is None or stage in self.stages)

    def in_span(self, since: int, until: int) -> list[Payment]:
        return [one for one in self.paid if since <= one.at < until]

    @staticmethod
    def takings(payments: Sequence[Payment]) -> Takings:
        back = [one for one in payments if one.refunded is not None]
        return (len(payments), sum(one.stars for one in payments), len(back), sum(one.stars for one in back))

    def refunded(self, since: int, until: int) -> tuple[int, int]:
        back = [one for one in self.paid if one.refunded is not None and since <= one.refunded < until]
        return len(back), sum(one.stars for one in back)

    def median(self, since: int, until: int) -> float | None:
        stars = [one.stars for one in self.in_span(since, until)]
        return median(stars) if stars else None

    def customers(self, since: int, until: int) -> int:
        return len({one.user for one in self.in_span(since, until)})

    def first(self) -> dict[int, int]:
        return {one.user: min(other.at for other in self.paid if other.user == one.user) for one in self.paid}

    def new_customers(self, since: int, until: int) -> int:
        return sum(since <= at < until for at in self.first().values())

    def invoices(self, since: int, until: int) -> list[tuple[int, Invoice]]:
        return [
            (place, one)
            for place, one in enumerate(self.history.invoices)
            if since <= one.at < until and self._is_its(one.bot, one.stage)
        ]

    def unpaid(self, since: int, until: int) -> int:
        settled = {one.invoice for one in self.history.payments if one.kind == "one_off" and one.number == 1}
        return sum(place not in settled for place, _ in self.invoices(since, until))

    def checkouts(self, since: int, until: int) -> tuple[int, Counter[str]]:
        asked = [one for one in self.history.checkouts if since <= one.at < until and self._is_its(one.bot, one.stage)]
        return len(asked), Counter(one.reason for one in asked if one.reason is not None)

    def waits(self, since: int, until: int) -> list[int]:
        """Milliseconds, each cut to two digits."""
        found = []
        for one in self.in_span(since, until):
            if one.delivered is not None:
                wait = max(0, one.delivered - one.at) // 1000
                digits = max(0, len(str(wait)) - 2)
                found.append(wait // 10**digits * 10**digits)
        return sorted(found)

    def balance(self) -> int:
        """Nanostars, whatever the stages."""
        total = 0
        for one in self.history.payments:
            if one.bot in self.bots and one.currency == "XTR" and one.refunded is None:
                total += one.stars * 1_000_000_000
        return total + sum(one.nanostars for one in self.history.moved if one.bot in self.bots)

    def moved(self, since: int, until: int) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for one in self.history.moved:
            if one.bot in self.bots and since <= one.at < until:
                number, total = found.get(one.account, (0, 0))
                found[one.account] = (number + 1, total + one.nanostars)
        return found

    def unlisted(self, since: int, until: int) -> tuple[int, int]:
        missing = [one for one in self.in_span(since, until) if not one.is_listed]
        return len(missing), sum(one.stars for one in missing)

    def active(self, at: int) -> dict[tuple[int, int], dict[str, Payment]]:
        """By subscriber and stage the period in force, the one that ends last."""
        found: dict[tuple[int, int], dict[str, Payment]] = {}
        for one in self.paid:
            if self._is_in_force(one, at):
                stages = found.setdefault((one.bot, one.user), {})
                known = stages.get(one.stage or "")
                if known is None or self._rank(one) > self._rank(known):
                    stages[one.stage or ""] = one
        return found

    def _rank(self, payment: Payment) -> tuple[int, int]:
        return self.until(payment), payment.at

    def until(self, payment: Payment) -> int:
        ends = self.history.ends_us(payment)
        assert ends is not None
        return ends if payment.refunded is None else min(ends, payment.refunded)

    def _is_in_force(self, payment: Payment, at: int) -> bool:
        if payment.kind == "one_off" or payment.state not in {"accepted", "refunded"}:
            return False
        return payment.at <= at < self.until(payment)

    def told(self, payment: Payment) -> str | None:
        ends = self.history.ends_us(payment)
        assert ends is not None
        for one in self.history.told:
            if (one.bot, one.user, one.stage) == (payment.bot, payment.user, payment.stage):
                return one.state if payment.recorded <= one.at <= ends + DAY_US else None
        return None

    def first_period(self, subscriber: tuple[int, int]) -> int:
        return min(
            one.at
            for one in self.paid
            if (one.bot, one.user) == subscriber and one.kind != "one_off" and one.state in {"accepted", "refunded"}
        )

    def movement(self, since: int, until: int) -> Counter[str]:
        before, after = self.active(since), self.active(until)
        found: Counter[str] = Counter()
        for who in before.keys() | after.keys():
            was = sum(one.stars for one in before.get(who, {}).values())
            now = sum(one.stars for one in after.get(who, {}).values())
            if who not in before:
                kind = "new" if self.first_period(who) > since else "returned"
            elif who not in after:
                last = self._last_to_end(who, until)
                words = {"canceled": "voluntary_churn", "failed": "involuntary_churn"}
                kind = words.get(self.told(last) or "", "untold_churn")
            else:
                kind = "expansion" if now > was else "contraction"
            found[kind] += abs(now - was)
        return +found

    def _last_to_end(self, who: tuple[int, int], until: int) -> Payment:
        """Of what had been in force when nothing was any more before ``until``, what ends last."""
        theirs = [one for one in self.paid if (one.bot, one.user) == who and one.kind != "one_off"]
        edge = max(self.until(one) for one in theirs if self._is_in_force(one, one.at) and self.until(one) <= until)
        ended = self.active(edge - 1)[who]
        return max(ended.items(), key=lambda item: (*self._rank(item[1]), item[0]))[1]

    def seen(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for bot, user, at in self.history.seen:
            if bot in self.bots:
                found[user] = min(at, found.get(user, at))
        return found

    def cohort(self, since: int, until: int, end: int) -> tuple[int, dict[int, tuple[int, int]]]:
        """How many first paid in the span, and by age the buyers and the net Stars."""
        first = {user: at for user, at in self.first().items() if since <= at < until}
        ages: dict[int, tuple[set[int], int]] = {}
        for one in self.paid:
            if one.user in first and one.at < end:
                age = (one.at - first[one.user]) // (30 * DAY_US)
                users, stars = ages.get(age, (set(), 0))
                ages[age] = (users | {one.user}, stars + (one.stars if one.refunded is None else 0))
        return len(first), {age: (len(users), stars) for age, (users, stars) in ages.items()}
