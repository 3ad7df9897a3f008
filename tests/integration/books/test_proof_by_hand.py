"""Whatever was done to the books, the proof finds what a count of every row by hand finds, and nothing else."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables import events, journal, payments, seals

if TYPE_CHECKING:
    from tests.integration.books.conftest import Books

_ACCOUNTS = ("stars", "revenue", "unsettled", "refunds")
_NAMES = (
    "payment_completed",
    "payment_needs_attention",
    "refund_requested",
    "payment_rejected",
    "payment_refunded",
)
_STATES = ("accepted", "refunded", "refund_due", "needs_attention")


async def by_hand(books: Books) -> set[tuple[str, str]]:
    """The findings about payments and their entries, from every row of the three tables."""
    of_event = {
        row[0]: row[1]
        for row in await books.rows(sa.select(events.c.event_id, events.c.charge_id).where(events.c.name.in_(_NAMES)))
    }
    sums: dict[str | None, list[int]] = defaultdict(lambda: [0] * 5)
    for event_id, account, stars in await books.rows(
        sa.select(journal.c.event_id, journal.c.account, journal.c.amount_stars)
    ):
        if event_id in of_event:
            of_charge = sums[of_event[event_id]]
            if account in _ACCOUNTS:
                of_charge[1 + _ACCOUNTS.index(account)] += stars
            if account == "stars":
                of_charge[0] += max(stars, 0)
    found = set()
    paid = await books.rows(
        sa.select(payments.c.charge_id, payments.c.state, payments.c.amount_stars, payments.c.currency)
    )
    for charge_id, state, stars, currency in paid:
        own = sums.pop(charge_id, None)
        wanted = {
            "accepted": [[stars, stars, -stars, 0, 0]],
            "refunded": [[stars, 0, -stars, 0, stars], [stars, 0, 0, 0, 0]],
        }.get(state, [[stars, stars, 0, -stars, 0]])
        if (own is not None) if currency != "XTR" else own not in wanted:
            found.add(("payment_differs", charge_id))
    return found | {("entry_without_payment", str(charge_id)) for charge_id in sums}


async def proved(books: Books) -> set[tuple[str, str]]:
    found = [(finding.kind.value, finding.subject) for finding in (await books.proof()).findings]
    assert len(found) == len(set(found))
    return {one for one in found if one[0] in {"payment_differs", "entry_without_payment"}}


class _Hand:
    """Somebody who changes one thing of the books at a time."""

    def __init__(self, books: Books, chance: random.Random) -> None:
        self._books = books
        self._chance = chance
        self._made = 0

    async def change(self) -> None:
        act = self._chance.choice((self._event, self._event, self._entry, self._payment, self._own, self._gone))
        await act()

    async def _any(self, column: sa.Column[Any]) -> Any:
        return self._chance.choice(sorted(await self._books.rows(sa.select(column)), key=str))[0]

    async def _event(self) -> None:
        """An event more, with entries on two accounts or with none."""
        self._made += 1
        at = {"bot_id": self._books.bot_id, "event_id": f"made{self._made}", "at": 1}
        charge_id = self._chance.choice((None, "nobody's", await self._any(payments.c.charge_id)))
        name = self._chance.choice(_NAMES)
        await self._books.run(sa.insert(events).values({**at, "name": name, "charge_id": charge_id}))
        if self._chance.random() < 0.8:
            one, other = self._chance.sample((*_ACCOUNTS, "gift"), 2)
            stars = self._chance.choice((0, 50, -50, 7))
            rows = [{**at, "account": one, "amount_stars": stars}, {**at, "account": other, "amount_stars": -stars}]
            await self._books.run(sa.insert(journal).values(rows))

    async def _entry(self) -> None:
        event_id = await self._any(journal.c.event_id)
        change = sa.update(journal).where(journal.c.event_id == event_id)
        await self._books.run(change.values(amount_stars=journal.c.amount_stars * self._chance.choice((-1, 0, 2))))

    async def _payment(self) -> None:
        change = sa.update(payments).where(payments.c.charge_id == await self._any(payments.c.charge_id))
        to = self._chance.choice(({"state": self._chance.choice(_STATES)}, {"amount_stars": 0}, {"currency": "EUR"}))
        await self._books.run(change.values(**to))

    async def _own(self) -> None:
        """A payment says that another event is its own."""
        change = sa.update(payments).where(payments.c.charge_id == await self._any(payments.c.charge_id))
        await self._books.run(change.values(event_id=await self._any(events.c.event_id)))

    async def _gone(self) -> None:
        table = self._chance.choice((journal, events))
        await self._books.run(sa.delete(table).where(table.c.event_id == await self._any(table.c.event_id)))


@pytest.mark.parametrize("seed", range(6))
async def test_what_was_done_to_payments_is_found_as_by_a_count_by_hand(books: Books, seed: int) -> None:
    assert await by_hand(books) == await proved(books) == set()
    hand = _Hand(books, random.Random(seed))  # noqa: S311
    for _ in range(12):
        await hand.change()
        assert await proved(books) == await by_hand(books)


@pytest.mark.parametrize("name", _NAMES)
async def test_an_entry_more_for_an_ordinary_payment_is_found_whatever_its_event_is_called(
    books: Books, name: str
) -> None:
    at = {"bot_id": books.bot_id, "event_id": "more", "at": 1}
    charge_id = books.charges["kept"]
    rows = [{**at, "account": "stars", "amount_stars": 9}, {**at, "account": "revenue", "amount_stars": -9}]
    await books.run(sa.insert(events).values({**at, "name": name, "charge_id": charge_id}))
    await books.run(sa.insert(journal).values(rows))
    assert await proved(books) == {("payment_differs", charge_id)}


async def test_an_entry_of_no_charge_is_found(books: Books) -> None:
    at = {"bot_id": books.bot_id, "event_id": "more", "at": 1}
    await books.run(sa.insert(events).values({**at, "name": "payment_completed"}))
    await books.run(sa.insert(journal).values({**at, "account": "stars", "amount_stars": 9}))
    assert await proved(books) == {("entry_without_payment", "None")}


@pytest.mark.parametrize("event_id", ["é", "A", "z", "Z-", '"', "\\", "\uff5e", "\U0001d4b3", "a\nb", "~\x7f", "a b"])
async def test_whatever_an_event_is_called_its_seal_holds(books: Books, event_id: str) -> None:
    """The database writes what is hashed, and may write letters, and sort them, as it likes."""
    for place, name in enumerate((event_id, event_id + "!", event_id + "a")):
        at = {"bot_id": books.bot_id, "event_id": name, "at": place}
        await books.run(sa.insert(events).values({**at, "name": "stage_created"}))
        rows = [{**at, "account": "b", "amount_stars": 1}, {**at, "account": "a", "amount_stars": -1}]
        await books.run(sa.insert(journal).values(rows))
    await books.seal()
    assert (await books.proof()).is_clean
    await books.run(sa.update(journal).where(journal.c.event_id == event_id).values(at=99))
    (finding,) = (await books.proof()).findings
    assert (finding.kind, finding.words) == ("altered_seal", "its 22 rows are not those that were sealed")


async def test_a_seal_over_nothing_holds(books: Books) -> None:
    await books.seal()
    await books.run(sa.update(journal).values(seal=None))
    assert [finding.words for finding in (await books.proof()).findings if finding.kind == "altered_seal"] == [
        "16 rows were sealed and 0 are there"
    ]
    await books.run(sa.update(seals).values(rows=0))
    assert "altered_seal" in {finding.kind for finding in (await books.proof()).findings}
