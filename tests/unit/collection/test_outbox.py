"""What waits for the centre: in order, in parcels that fit, and nothing of whoever is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from neonpay.collection.erasing import erase_waiting
from neonpay.collection.outbox import RAW_MAX_BYTES, LedgerOutbox, Parcel
from neonpay.tracking import SoftEvent
from tests.unit.collection.memory import ledger_in_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

AT = datetime(2026, 11, 28, tzinfo=UTC)


def events(count: int, *, size: int = 0, user_id: int = 7, bot_id: int = 42) -> list[SoftEvent]:
    data = {"x": "y" * size} if size else {}
    return [
        SoftEvent(
            event_id=f"{user_id}-{number}",
            bot_id=bot_id,
            kind="k",
            at=AT + timedelta(seconds=number),
            user_id=user_id,
            data=data,
        )
        for number in range(count)
    ]


def ids(parcels: Sequence[Parcel]) -> list[str]:
    return [msgspec.json.decode(event)["event_id"] for parcel in parcels for event in parcel.events]


async def emptied(outbox: LedgerOutbox, most: int) -> list[Parcel]:
    parcels = []
    while (parcel := await outbox.next(42, most)) is not None:
        parcels.append(parcel)
        await outbox.done(parcel)
    return parcels


async def test_parcels_are_in_order_and_no_longer_than_asked_for() -> None:
    async with ledger_in_memory() as ledger:
        outbox = LedgerOutbox(ledger, 10_000)
        await outbox.hold(None, events(950))
        await outbox.hold(None, events(950))  # a unit that ran again
        parcels = await emptied(outbox, 400)
    assert ids(parcels) == [event.event_id for event in events(950)]
    assert [len(parcel.events) for parcel in parcels] == [400, 400, 150]


async def test_parcels_of_long_events_are_short_enough_for_any_centre() -> None:
    async with ledger_in_memory() as ledger:
        outbox = LedgerOutbox(ledger, 10_000)
        await outbox.hold(None, events(600, size=4000))
        parcels = await emptied(outbox, 1000)
    assert len(ids(parcels)) == 600
    assert all(sum(map(len, parcel.events)) <= RAW_MAX_BYTES for parcel in parcels)


async def test_what_there_is_no_room_for_is_shed_and_counted_and_a_refused_parcel_is_in_nobodys_way() -> None:
    async with ledger_in_memory() as ledger:
        outbox = LedgerOutbox(ledger, 5)
        assert await outbox.hold(None, events(8)) == 3
        parcel = await outbox.next(42, 100)
        assert parcel is not None
        await outbox.refused(parcel, "invalid")
        assert (await outbox.next(42, 100), await outbox.count()) == (None, 0)
        await outbox.forgive()
        assert await outbox.next(42, 100) == parcel


async def test_nothing_of_a_person_that_waits_is_sent_when_they_are_forgotten() -> None:
    paid = replace(events(1, user_id=7)[0], event_id="paid", kind="payment_completed", stars=50, source="ad")
    afterwards = replace(paid, event_id="back", at=AT + timedelta(days=2))
    async with ledger_in_memory() as ledger:
        outbox = LedgerOutbox(ledger, 10_000)
        await outbox.hold(None, [*events(3), paid])
        for others in range(100, 130):  # more batches than are looked at together
            await outbox.hold(None, [*events(2, user_id=others), replace(events(1)[0], event_id=f"7-of-{others}")])
        await outbox.hold(None, [afterwards])
        erased = await erase_waiting(ledger, 42, 7, AT + timedelta(days=1))
        sent = [msgspec.json.decode(event) for parcel in await emptied(outbox, 100) for event in parcel.events]
    told = {event["event_id"]: event for event in sent}
    assert dict(erased.removed) == {"waiting_events": 33}
    (gone,) = [event for event in sent if event["kind"] == "person_erased"]
    assert {event["event_id"] for event in sent if event.get("user_id") == 7} == {"back", gone["event_id"]}
    assert told["paid"] == {"event_id": "paid", "kind": "payment_completed", "at": "2026-11-28T00:00:00Z", "stars": 50}
    assert len(told) == 60 + len({"paid", "back", "gone"})
