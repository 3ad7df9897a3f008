"""What was changed, removed, added or moved behind neonpay's back is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import RejectPayment
from neonpay.books.sealing import seal_hash
from neonpay.core.payments import PaymentState
from neonpay.ledger.tables import events, jobs, journal, payments, refunds, seals

if TYPE_CHECKING:
    from neonpay.books.verification import Proof
    from tests.integration.books.conftest import Books
    from tests.integration.conftest import Shop


def kinds(proof: Proof) -> list[str]:
    return sorted(finding.kind.value for finding in proof.findings)


async def an_entry(books: Books, seal: int) -> str:
    """The event id of one sealed entry that moved Stars in."""
    where = (journal.c.seal == seal, journal.c.account == "stars", journal.c.amount_stars == 50)
    return str((await books.rows(sa.select(journal.c.event_id).where(*where).order_by("event_id")))[0][0])


async def test_honest_books_are_clean(books: Books) -> None:
    await books.seal(most_events=4)
    proof = await books.proof()
    assert proof.is_clean
    assert (proof.entries, proof.payments, proof.refunds, proof.seals) == (8, 4, 2, 4)
    assert proof.accounts == {"stars": (100, 0), "revenue": (-100, 0), "refunds": (50, 0), "unsettled": (-50, 0)}


async def test_books_are_proved_before_anything_is_sealed(books: Books) -> None:
    proof = await books.proof()
    assert (proof.is_clean, proof.head, proof.unsealed_rows) == (True, None, 16)


async def test_an_amount_that_was_changed_is_found(books: Books) -> None:
    await books.seal(most_events=4)
    event_id = await an_entry(books, 1)
    await books.run(
        sa.update(journal).where(journal.c.event_id == event_id).values(amount_stars=journal.c.amount_stars * 2)
    )
    assert kinds(await books.proof()) == ["altered_seal", "payment_differs"]


async def test_an_entry_that_does_not_balance_is_found(books: Books) -> None:
    where = (
        journal.c.event_id == (await books.rows(sa.select(sa.func.min(journal.c.event_id))))[0][0],
        journal.c.account == "stars",
    )
    await books.run(sa.update(journal).where(*where).values(nanostars=1))
    (finding,) = (await books.proof()).findings
    assert (finding.kind, finding.words) == ("unbalanced_entry", "it adds up to 0 Stars and 1 nanostars")


async def test_a_time_that_was_changed_is_found(books: Books) -> None:
    await books.seal(most_events=4)
    await books.run(sa.update(journal).where(journal.c.event_id == await an_entry(books, 1)).values(at=1))
    assert kinds(await books.proof()) == ["altered_seal"]


async def test_a_row_that_was_removed_is_found(books: Books) -> None:
    await books.seal(most_events=4)
    event_id = await an_entry(books, 1)
    await books.run(sa.delete(journal).where(journal.c.event_id == event_id, journal.c.account == "stars"))
    assert kinds(await books.proof()) == ["altered_seal", "payment_differs", "unbalanced_entry"]


async def test_an_entry_that_was_added_under_a_seal_is_found(books: Books) -> None:
    await books.seal(most_events=4)
    added = {"bot_id": books.bot_id, "event_id": "e" * 32, "at": 1, "nanostars": 0, "seal": 2}
    rows = [{"account": "stars", "amount_stars": -9, **added}, {"account": "revenue", "amount_stars": 9, **added}]
    await books.run(sa.insert(journal).values(rows))
    assert kinds(await books.proof()) == ["altered_seal", "entry_without_event"]


async def test_an_entry_that_was_added_after_its_event_was_sealed_is_found(books: Books) -> None:
    await books.seal()
    event_id = await an_entry(books, 1)
    added = {"bot_id": books.bot_id, "event_id": event_id, "at": 1, "nanostars": 0}
    rows = [{"account": "gift", "amount_stars": -9, **added}, {"account": "tax", "amount_stars": 9, **added}]
    await books.run(sa.insert(journal).values(rows))
    (finding,) = (await books.proof()).findings
    assert (finding.kind, finding.subject) == ("unsealed_entry", event_id)


async def test_an_entry_that_was_added_for_a_payment_is_found_once_more(books: Books) -> None:
    at = {"bot_id": books.bot_id, "event_id": "e" * 32, "at": 1}
    of_payment = {"name": "payment_refunded", "charge_id": books.charges["kept"]}
    rows = [{"account": "stars", "amount_stars": -50, **at}, {"account": "refunds", "amount_stars": 50, **at}]
    await books.run(sa.insert(events).values({**at, **of_payment}), sa.insert(journal).values(rows))
    await books.seal()
    (finding,) = (await books.proof()).findings
    assert (finding.kind, finding.subject) == ("payment_differs", books.charges["kept"])


async def test_seals_that_were_exchanged_are_found(books: Books) -> None:
    await books.seal(most_events=4)
    for old, new in ((1, 99), (2, 1), (99, 2)):
        await books.run(sa.update(seals).where(seals.c.number == old).values(number=new))
        await books.run(sa.update(journal).where(journal.c.seal == old).values(seal=new))
    assert set(kinds(await books.proof())) == {"altered_seal", "broken_link"}


async def test_a_seal_that_was_removed_is_found(books: Books) -> None:
    await books.seal(most_events=4)
    await books.run(sa.delete(seals).where(seals.c.number == 2))
    assert kinds(await books.proof()) == ["broken_link", "missing_seal", "unknown_seal"]


async def test_a_seal_that_was_made_to_fit_is_found_by_the_one_after_it(books: Books) -> None:
    await books.seal(most_events=4)
    event_id = await an_entry(books, 1)
    await books.run(sa.update(journal).where(journal.c.event_id == event_id).values(at=1))
    await reseal(books, 1)
    assert kinds(await books.proof()) == ["broken_link"]


async def reseal(books: Books, number: int, **changes: Any) -> None:
    """Write a seal anew over what is there now, as a forger who has read the documentation does."""
    at_us = sa.type_coerce(seals.c.sealed_at, sa.BigInteger)
    select = sa.select(at_us, seals.c.previous_hash).where(seals.c.number == number)
    ((sealed_at_us, previous_hash),) = await books.rows(select)
    previous_hash = changes.get("previous_hash", previous_hash)
    row_at_us = sa.type_coerce(journal.c.at, sa.BigInteger)
    columns = (journal.c.event_id, journal.c.account, journal.c.amount_stars, journal.c.nanostars, row_at_us)
    rows: Any = await books.rows(sa.select(*columns).where(journal.c.seal == number))
    new = {
        "hash": seal_hash(books.bot_id, number, sealed_at_us, previous_hash, rows),
        "previous_hash": previous_hash,
        "rows": len(rows),
    }
    await books.run(sa.update(seals).where(seals.c.number == number).values(**new))


async def test_a_chain_that_was_written_anew_is_found_by_the_head_that_was_kept(books: Books) -> None:
    await books.seal(most_events=4)
    kept = (await books.proof()).head
    await books.run(sa.update(journal).where(journal.c.event_id == await an_entry(books, 1)).values(at=1))
    for number in (1, 2, 3, 4):
        before = await books.rows(sa.select(seals.c.hash).where(seals.c.number == number - 1))
        await reseal(books, number, **({"previous_hash": before[0][0]} if before else {}))
    assert (await books.proof()).is_clean
    assert kinds(await books.proof(kept)) == ["unknown_head"]


async def test_a_head_that_was_kept_stays_in_the_chain(books: Books) -> None:
    await books.seal(most_events=8)
    kept = (await books.rows(sa.select(seals.c.hash).where(seals.c.number == 1)))[0][0]
    proof = await books.proof(kept)
    assert proof.is_clean
    assert proof.head != kept


async def test_a_payment_whose_entries_are_gone_is_found(books: Books) -> None:
    where = sa.select(payments.c.event_id).where(payments.c.charge_id == books.charges["kept"]).scalar_subquery()
    await books.run(sa.delete(journal).where(journal.c.event_id == where))
    (finding,) = (await books.proof()).findings
    assert (finding.kind, finding.subject) == ("payment_differs", books.charges["kept"])


async def test_a_payment_that_was_removed_is_found(books: Books) -> None:
    await books.run(sa.delete(payments).where(payments.c.charge_id == books.charges["kept"]))
    (finding,) = (await books.proof()).findings
    assert (finding.kind, finding.subject) == ("entry_without_payment", books.charges["kept"])


@pytest.mark.parametrize(
    ("name", "state"), [("kept", "refund_due"), ("waiting", "accepted"), ("kept", "refunded"), ("refunded", "accepted")]
)
async def test_a_payment_in_a_state_that_its_entries_do_not_show_is_found(books: Books, name: str, state: str) -> None:
    await books.run(
        sa.update(payments).where(payments.c.charge_id == books.charges[name]).values(state=PaymentState(state).value)
    )
    found = [finding for finding in (await books.proof()).findings if finding.kind == "payment_differs"]
    assert [finding.subject for finding in found] == [books.charges[name]]


async def test_an_amount_that_was_changed_on_the_payment_is_found(books: Books) -> None:
    await books.run(sa.update(payments).where(payments.c.charge_id == books.charges["kept"]).values(amount_stars=500))
    assert kinds(await books.proof()) == ["payment_differs"]


async def test_a_refund_that_was_removed_is_found(books: Books) -> None:
    await books.run(sa.delete(refunds).where(refunds.c.charge_id == books.charges["refunded"]))
    (finding,) = (await books.proof()).findings
    assert (finding.kind, finding.subject) == ("refund_differs", books.charges["refunded"])


async def test_a_refund_of_another_amount_is_found(books: Books) -> None:
    await books.run(sa.update(refunds).where(refunds.c.charge_id == books.charges["returned"]).values(amount_stars=1))
    (finding,) = (await books.proof()).findings
    assert (finding.kind, finding.words) == ("refund_differs", "1 Stars go back and 50 were paid")


async def test_whatever_charges_are_called_each_is_compared_with_its_own_entries(books: Books) -> None:
    """They are read side by side, in an order that a database might have another idea of."""
    names = ["", "-", "A", "Z", "_", "a", "a-b", "ab", "z", "ß", "é", "\uff5e", "\U0001d4b3", "~"]
    alone, lost = names[::3], names[1::3]
    row = (await books.rows(sa.select(payments).where(payments.c.charge_id == books.charges["kept"])))[0]
    given = dict(zip(payments.c.keys(), row, strict=True))
    paid = [
        {**given, "charge_id": name, "event_id": f"new{place}"} for place, name in enumerate(names) if name not in lost
    ]
    at = {"bot_id": books.bot_id, "at": 1}
    happened, entries = [], []
    for place, name in enumerate(names):
        if name not in alone:
            of_it = {**at, "event_id": f"new{place}"}
            happened.append({**of_it, "name": "payment_completed", "charge_id": name})
            entries += [{**of_it, "account": "stars", "amount_stars": given["amount_stars"]}]
            entries += [{**of_it, "account": "revenue", "amount_stars": -given["amount_stars"]}]
    statements = [
        sa.insert(table).values(rows) for table, rows in ((payments, paid), (events, happened), (journal, entries))
    ]
    await books.run(*statements)
    found = (await books.proof()).findings
    assert sorted(one.subject for one in found if one.kind.value == "payment_differs") == sorted(alone)
    assert sorted(one.subject for one in found if one.kind.value == "entry_without_payment") == sorted(lost)


async def test_findings_are_counted_beyond_those_that_are_listed(books: Books) -> None:
    rows = [
        {"bot_id": books.bot_id, "event_id": f"{number:032x}", "account": "stars", "amount_stars": 1, "at": 1}
        for number in range(150)
    ]
    await books.run(sa.insert(journal).values(rows))
    proof = await books.proof()
    assert (len(proof.findings), proof.findings_count) == (200, 300)


@pytest.mark.parametrize("refusal", [None, "Bad Request: CHARGE_NOT_REFUNDABLE"])
async def test_a_payment_that_a_handler_rejected_adds_up(shop: Shop, refusal: str | None) -> None:
    @shop.neonpay.on_payment
    async def deliver() -> None:
        raise RejectPayment("sold out")

    if refusal is not None:
        shop.telegram.faults.fail("refundStarPayment", error_code=400, description=refusal)
    async with shop.polling():
        await shop.sells(await shop.visitor())
        proof = await shop.neonpay.books.verify()
    assert proof.findings == ()
    assert proof.accounts["stars"] == (0 if refusal is None else 50, 0)


async def test_what_else_moved_stars_adds_up(shop: Shop) -> None:
    treasury = shop.telegram.treasury(shop.account)
    async with shop.neonpay:
        treasury.move("other_in", 3000)
        treasury.move("gift", 7, nanostars=500_000_000, user=shop.telegram.user("Ann"))
        treasury.withdraws(1000)
        await shop.neonpay.books.reconcile(grace_s=0)
        await shop.neonpay.books.seal()
        proof = await shop.neonpay.books.verify()
    assert proof.findings == ()
    stars, nanostars = proof.accounts["stars"]
    assert stars * 10**9 + nanostars == 1_992_500_000_000


async def test_an_accepted_payment_that_nobody_was_told_to_deliver_is_found(books: Books) -> None:
    accepted = sa.select(payments.c.event_id).where(payments.c.state == "accepted")
    await books.run(sa.delete(jobs).where(jobs.c.event_id.in_(accepted)))
    assert set(kinds(await books.proof())) == {"payment_without_job"}
