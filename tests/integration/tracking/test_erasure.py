"""``neonpay.people``: everything about one person is given out, and goes, and the books are as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentContext
from neonpay.core.clock import moment
from neonpay.core.jsontext import JsonObject
from neonpay.errors import ExtensionError, ValidationError
from neonpay.ledger import ExtensionTables
from neonpay.ledger.tables import events, notes, payments, people, refund_requests, refunds
from neonpay.ledger.tables_access import audit
from neonpay.ledger.tables_security import standings
from neonpay.ledger.tables_tracking import first_touches, soft_events
from neonpay.payments.extension import Extension, Lent
from neonpay.store.ids import new_event_id
from neonpay.tracking import SoftEvent, Tracking, write_soft
from neonpay.web.access.audit import write_act
from neonpay.web.access.roles import Role
from neonpay.web.access.visit import Viewer
from neonpay.web.pages.payments.notes import write_note

if TYPE_CHECKING:
    from neonpay.simulator import Buyer
    from tests.integration.conftest import Shop

SECRET = "Ann's cat is ill"
_metadata = sa.MetaData()
_guests = sa.Table(
    "neonpay_ext_guests_list",
    _metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True),
    sa.Column("words", sa.Text),
)


class Guests(Extension):
    """Keeps rows about people, and removes none of them."""

    name = "guests"
    tables = ExtensionTables(name="guests", package="neonpay-guests", metadata=_metadata)


class TidyGuests(Guests):
    """Removes them."""

    def erase(self, transaction: Lent, user_id: int) -> None:
        transaction.connection.execute(sa.delete(_guests).where(_guests.c.user_id == user_id))

    def export(self, transaction: Lent, user_id: int) -> JsonObject:
        query = sa.select(_guests.c.words).where(_guests.c.user_id == user_id)
        return {"words": list(transaction.connection.execute(query).scalars())}


async def leave_traces(shop: Shop) -> tuple[Buyer, Buyer]:
    """Two people buy; of one of them there is everything that can be kept."""
    neonpay = shop.neonpay
    neonpay.use(Tracking())

    @neonpay.on_payment(name="deliver")
    async def deliver(result: Any, ctx: PaymentContext) -> None:
        ctx.tell(SECRET)

    async with shop.polling():
        ann = shop.telegram.user("Ann", stars=1000, username="ann_of_town")
        bob = await shop.visitor("Bob")
        await ann.says("/start ad_7", to=shop.account)
        first = await shop.sells(ann)
        later = await shop.sells(ann)
        await shop.sells(bob)
        ledger = neonpay.program.pipeline.ledger
        await ledger.run(write_note, shop.account.id, first.charge_id or "", new_event_id(), SECRET, "Olga")
        await neonpay.refund(first.charge_id or "", reason=SECRET)
        await neonpay.security.block_user(ann.id, reason=SECRET)
        neonpay.track_event("product_view", ann.id, metadata={"said": SECRET})
        request = await neonpay.refunds.request(later.charge_id or "", user_id=ann.id, words=SECRET)
        await neonpay.refunds.refuse(request.request_id, by="Olga", answer=SECRET)
        detail = {"reason": SECRET, "stars": 50}
        owner = Viewer("olga", Role.OWNER)
        await ledger.run(write_act, owner, "", 0, "payment.refund", shop.account.id, first.charge_id, detail)
        await shop.settles()
    return ann, bob


async def test_what_is_kept_about_a_person_goes_and_the_books_are_as_they_were(
    shop: Shop, query: Callable[..., Any]
) -> None:
    ann, bob = await leave_traces(shop)
    neonpay = shop.neonpay
    async with neonpay:
        await neonpay.program.pipeline.sealer.seal()
        before = await neonpay.books.verify()
        others = [column for column in payments.c if column.name != "language_code"]
        paid_by_whom = sa.select(*others).order_by(payments.c.charge_id)
        paid = await query(paid_by_whom)
        erased = await neonpay.people.erase(ann.id)
        again = await neonpay.people.erase(ann.id)
        after = await neonpay.books.verify()
        assert (after.is_clean, after.head, after) == (True, before.head, before)
        assert await query(paid_by_whom) == paid
        languages = sa.select(payments.c.language_code).where(payments.c.user_id == ann.id)
        assert {row[0] for row in await query(languages)} == {""}
    assert dict(erased.removed) == {
        "names": 1,
        "languages": 2,
        "first_touch": 1,
        "notes": 1,
        "refund_requests": 1,
        "refunds": 1,
        "facts": 6,
        "acts": 1,
        "soft_events": 2,
    }
    assert (dict(again.removed), again.kept) == ({}, ())
    for table in (people, first_touches, soft_events):
        users = [row[0] for row in await query(sa.select(table.c.user_id).where(table.c.user_id.is_not(None)))]
        assert ann.id not in users
        assert bob.id in users
    assert await query(sa.select(notes)) == []
    for table in (refunds, refund_requests, events, standings, audit):
        assert SECRET not in str(await query(sa.select(table)))
    assert [row[0] for row in await query(sa.select(standings.c.standing))] == ["blocked"]


async def test_what_another_program_writes_late_does_not_bring_back_who_was_erased(
    shop: Shop, query: Callable[..., Any]
) -> None:
    pipeline, bot_id = shop.neonpay.program.pipeline, shop.account.id
    ledger, us = pipeline.ledger, pipeline.clock.now_us()

    def event(event_id: str, at_us: int, user_id: int) -> SoftEvent:
        return SoftEvent(event_id=event_id, bot_id=bot_id, kind="user_started", at=moment(at_us), user_id=user_id)

    async with shop.neonpay:
        # Telegram's clock is ahead of this one.
        await ledger.run(write_soft, [event("told", us + 60_000_000, 7)])
        assert dict((await shop.neonpay.people.erase(7)).removed) == {"soft_events": 1, "first_touch": 1}
        waiting = [event("told", us + 60_000_000, 7), event("late", us - 1, 7), event("other", us - 1, 8)]
        assert await ledger.run(write_soft, waiting) == 1
        assert await ledger.run(write_soft, [event("back", us + 120_000_000, 7)]) == 1
    for table in (soft_events, first_touches):
        assert await query(sa.select(table.c.user_id).order_by(table.c.user_id)) == [(7,), (8,)]


async def test_what_is_kept_about_a_person_is_given_out_whole(shop: Shop) -> None:
    shop.neonpay.use(TidyGuests())
    ann, bob = await leave_traces(shop)
    async with shop.neonpay:
        await shop.neonpay.program.pipeline.ledger.run(add_guest, ann.id)
        found: Any = await shop.neonpay.people.export(ann.id)
    assert (found["bot_id"], found["user_id"]) == (shop.account.id, ann.id)
    assert found["names"][0]["username"] == "ann_of_town"
    assert found["first_touch"][0]["source"] == "ad_7"
    assert sorted(payment["state"] for payment in found["payments"]) == ["accepted", "refunded"]
    assert found["notes"][0]["words"] == SECRET
    assert found["refunds"][0]["reason"] == SECRET
    assert {event["kind"]: event["data"] for event in found["soft_events"]} == {
        "user_started": {},
        "product_view": {"said": SECRET},
    }
    assert found["extensions"]["security"]["standing"] == "blocked"
    assert found["extensions"]["guests"] == {"words": ["came with a friend"]}
    assert str(bob.id) not in str(found)


async def test_an_extension_removes_its_rows_and_one_that_does_not_is_named(
    shop: Shop, query: Callable[..., Any]
) -> None:
    shop.neonpay.use(TidyGuests())
    async with shop.neonpay:
        await shop.neonpay.program.pipeline.ledger.run(add_guest, 7)
        assert (await shop.neonpay.people.erase(7)).kept == ()
        assert await query(sa.select(_guests)) == []


async def test_rows_that_a_used_extension_leaves_are_told_of(shop: Shop) -> None:
    shop.neonpay.use(Guests())
    async with shop.neonpay:
        await shop.neonpay.program.pipeline.ledger.run(add_guest, 7)
        assert (await shop.neonpay.people.erase(7)).kept == ("neonpay_ext_guests_list",)
        assert (await shop.neonpay.people.erase(8)).kept == ()


async def test_rows_of_an_extension_that_this_program_lacks_keep_everything_in_place(
    open_shop: Callable[..., Shop], query: Callable[..., Any]
) -> None:
    shop = open_shop()
    shop.neonpay.use(TidyGuests())
    ann, _ = await leave_traces(shop)
    async with shop.neonpay:
        await shop.neonpay.program.pipeline.ledger.run(add_guest, ann.id)
    await shop.aclose()
    other = open_shop()
    async with other.neonpay:
        with pytest.raises(ExtensionError, match=r"extension guests: .*await neonpay\.people\.erase"):
            await other.neonpay.people.erase(ann.id)
    assert len(await query(sa.select(notes))) == 1


async def test_somebody_who_is_no_user_is_refused(shop: Shop) -> None:
    async with shop.neonpay:
        with pytest.raises(ValidationError):
            await shop.neonpay.people.erase("ann")  # type: ignore[arg-type]


def add_guest(transaction: Any, user_id: int) -> None:
    transaction.connection.execute(sa.insert(_guests).values(user_id=user_id, words="came with a friend"))
