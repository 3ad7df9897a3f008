"""Revenue by language is what the tables say, whatever of it is rolled up, whoever changes their language or is forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neonpay.analytics import Bucket, Period, Split, zone_of
from neonpay.analytics.language_rollup import renew_languages
from neonpay.analytics.renewed import Renewed
from neonpay.analytics.revenue import revenue
from neonpay.analytics.rollups import roll_up
from neonpay.analytics.scope import Scope
from neonpay.core.clock import moment
from neonpay.ledger.tables import events, payments, people
from neonpay.store.payers_languages import LANGUAGES as DUTY
from neonpay.store.payers_languages import forget_languages
from neonpay.store.periodic import PeriodicStore
from tests.property.report_history import BOTS, LANGUAGES, History, Payment, histories, write
from tests.property.report_oracle import Oracle
from tests.property.report_times import BEGIN, DAY_US
from tests.property.test_reports import edges, ledger, periods, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neonpay.analytics.rollups import Renew
    from neonpay.ledger import Ledger, Transaction

__all__ = ["ledger"]

EXAMPLES = {"sqlite": 200, "postgresql": 30}
Person = tuple[int, int]
persons = st.tuples(st.sampled_from(BOTS), st.integers(1, 4))
scopes = st.sampled_from([Scope(BOTS), Scope(BOTS), Scope((7,)), Scope(BOTS, ("book",))])
acts = st.lists(
    st.one_of(
        st.tuples(st.just("roll_up"), st.sampled_from([2, 5, 60])),
        st.tuples(st.just("speak"), st.tuples(persons, st.sampled_from(["fr", "ru", None]))),
        st.tuples(st.just("forget"), persons),
    ),
    min_size=1,
    max_size=6,
)
all_of_it = st.builds(
    # Most of it from the rollups, and whatever follows from an edge is there as well.
    lambda zone, seconds: Period(
        since=moment(BEGIN - DAY_US + seconds * 1_000_000), until=moment(BEGIN + 90 * DAY_US), zone=zone_of(zone)
    ),
    st.sampled_from(["UTC", "Asia/Kathmandu"]),
    st.sampled_from([0, 7]),
)


@dataclass
class Tongues:
    """Under which language each payment is to count, by what has happened so far."""

    history: History
    numbers: dict[int, int | None]
    seen: dict[Person, str | None]
    first: dict[Person, str] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)

    def of(self, place: int, payment: Payment) -> str:
        who = (payment.bot, payment.user)
        if place in self.forgotten:
            return ""
        return payment.language or self.first.get(who, self.seen.get(who)) or ""

    def counted(self, bot: int, last: int) -> None:
        for place, payment in enumerate(self.history.payments):
            number = self.numbers[place]
            is_new = payment.bot == bot and number is not None and number <= last and place not in self.forgotten
            if is_new and payment.currency == "XTR" and payment.language is None:
                who = (payment.bot, payment.user)
                self.first.setdefault(who, self.seen.get(who) or "")

    def forget(self, who: Person) -> None:
        theirs = [place for place, one in enumerate(self.history.payments) if (one.bot, one.user) == who]
        self.forgotten.update(theirs)
        self.first.pop(who, None)
        self.seen.pop(who, None)


def test_a_language_has_what_its_buyers_paid_when_they_had_it(ledger: Ledger, database_url: str) -> None:
    @settings(
        max_examples=EXAMPLES[sa.make_url(database_url).get_backend_name()],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories(), st.one_of(periods(), all_of_it, all_of_it), scopes, st.sampled_from([2, 5, 60, 60]), acts)
    def check(history: History, period: Period, scope: Scope, first: int, then: Sequence[tuple[str, object]]) -> None:
        history = replace(history, numbered=max(history.numbered, 0.5))
        ledger.run_sync(write, history)
        seen = {(bot, user): LANGUAGES.get(user) for bot, user, _ in history.seen}
        tongues = Tongues(history, ledger.run_sync(numbers, history), seen)
        compare(ledger, tongues, period, scope)
        for what, how in [("roll_up", first), *then]:
            match what, how:
                case "roll_up", int(most):
                    for bot, last in asyncio.run(roll_up_twice(ledger, most, DUTY, renew_languages)).items():
                        tongues.counted(bot, last)
                case "speak", ((int(bot), int(user)), str() | None as language):
                    ledger.run_sync(speak, (bot, user), language)
                    if (bot, user) in tongues.seen:
                        tongues.seen[bot, user] = language
                case "forget", (int(bot), int(user)):
                    ledger.run_sync(forget, (bot, user))
                    tongues.forget((bot, user))
            compare(ledger, tongues, period, scope)

    check()


def numbers(transaction: Transaction, history: History) -> dict[int, int | None]:
    """The number of the event of each payment, by its place."""
    its = sa.and_(events.c.bot_id == payments.c.bot_id, events.c.event_id == payments.c.event_id)
    found = transaction.connection.execute(
        sa.select(payments.c.charge_id, events.c.number).join_from(payments, events, its)
    )
    return {int(charge_id.removeprefix("charge ")): number for charge_id, number in found}


def speak(transaction: Transaction, who: Person, language: str | None) -> None:
    of_person = (people.c.bot_id == who[0], people.c.user_id == who[1])
    transaction.connection.execute(sa.update(people).where(*of_person).values(language_code=language))


def forget(transaction: Transaction, who: Person) -> None:
    forget_languages(transaction, *who)
    transaction.connection.execute(sa.delete(people).where(people.c.bot_id == who[0], people.c.user_id == who[1]))


async def roll_up_twice(ledger: Ledger, most: int, duty: str, renew: Renew) -> dict[int, int]:
    """A batch of each bot, which runs again, since its answer was lost; up to which numbers they are counted."""
    reached: dict[int, int] = {}
    for bot in BOTS:
        async with PeriodicStore(ledger, bot, new_token=lambda: 1).turn(duty, patience_s=0, next_in_s=0) as turn:
            reached[bot] = await ledger.run(roll_up, turn, turn.position, most, renew, Renewed())
            again = await ledger.run(roll_up, turn, turn.position, most, renew, Renewed())
            assert again in {reached[bot], 0}
    return reached


def compare(ledger: Ledger, tongues: Tongues, period: Period, scope: Scope) -> None:
    oracle = Oracle(tongues.history, scope.bot_ids, scope.stage_ids)
    places = {id(one): place for place, one in enumerate(tongues.history.payments)}
    expected: dict[str, list[Payment]] = {}
    for one in oracle.in_span(*edges(period)):
        expected.setdefault(tongues.of(places[id(one)], one), []).append(one)
    found = ledger.run_sync(
        lambda transaction: revenue(transaction, scope, period, Bucket.DAY, Split.LANGUAGE, compare=False)
    )
    told = {share.key: plain(share.takings) for share in found.shares}
    assert told == {language: oracle.takings(its) for language, its in expected.items()}
    for kind, side in (("one_off", found.one_off), ("", found.subscriptions)):
        its = [one for one in oracle.in_span(*edges(period)) if (one.kind == "one_off") == bool(kind)]
        assert plain(side) == oracle.takings(its)
