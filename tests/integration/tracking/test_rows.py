"""Soft events in the ledger: each once, and the first touch stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from neonpay.errors import ValidationError
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.tables_tracking import first_touches, soft_events
from neonpay.tracking import SoftEvent, SoftKind, write_soft

BOT = 7_000_001
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def event(event_id: str, kind: str = SoftKind.PRODUCT_VIEW, **fields: object) -> SoftEvent:
    return SoftEvent(**{"event_id": event_id, "bot_id": BOT, "kind": kind, "at": NOON, **fields})  # type: ignore[arg-type]


def touches(transaction: Transaction) -> list[tuple[object, ...]]:
    query = sa.select(first_touches.c.user_id, first_touches.c.source, first_touches.c.at)
    return [tuple(row) for row in transaction.connection.execute(query.order_by(first_touches.c.user_id))]


async def test_an_event_is_kept_once_however_often_it_is_told(database_url: str) -> None:
    ledger = open_ledger(database_url)
    try:
        many = [event(f"e{number}", user_id=number) for number in range(150)]
        assert await ledger.run(write_soft, many) == 150
        assert await ledger.run(write_soft, [*many[:3], event("new"), event("new", user_id=5)]) == 1
        elsewhere = SoftEvent(event_id="e1", bot_id=BOT + 1, kind="product_view", at=NOON)
        assert await ledger.run(write_soft, [elsewhere]) == 1
        assert await ledger.run(write_soft, []) == 0
    finally:
        await ledger.close()


async def test_everything_that_an_event_says_is_kept(database_url: str) -> None:
    ledger = open_ledger(database_url)
    there = timezone(timedelta(hours=3))
    told = event(
        "e",
        "мой_вид",
        at=NOON.astimezone(there),
        user_id=-(2**40),
        subject="vip",
        source="ad",
        stars=250,
        data={"b": [1, None], "a": "ы"},
    )
    try:
        await ledger.run(write_soft, [told])
        [row] = await ledger.read(lambda tx: list(tx.connection.execute(sa.select(soft_events))))
    finally:
        await ledger.close()
    assert tuple(row) == (BOT, "e", "мой_вид", NOON, -(2**40), "vip", "ad", 250, '{"a":"ы","b":[1,null]}')


async def test_where_somebody_came_from_first_stays(database_url: str) -> None:
    ledger = open_ledger(database_url)
    later = NOON + timedelta(days=1)
    try:
        first = [
            event("b", SoftKind.USER_STARTED, user_id=1, source="later", at=later),
            event("a", SoftKind.USER_STARTED, user_id=1, source="ad"),
            event("c", SoftKind.USER_STARTED, user_id=2),
            event("d", SoftKind.USER_MESSAGE, user_id=3, source="no start"),
            event("e", SoftKind.USER_STARTED, source="nobody"),
        ]
        await ledger.run(write_soft, first)
        await ledger.run(write_soft, [event("f", SoftKind.USER_STARTED, user_id=2, source="friend", at=later)])
        found = await ledger.read(touches)
    finally:
        await ledger.close()
    assert found == [(1, "ad", NOON), (2, None, NOON)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_id": ""},
        {"event_id": "x" * 65},
        {"kind": "nul\0"},
        {"kind": 5},
        {"subject": "\ud800"},
        {"source": "s" * 129},
        {"at": datetime(2026, 11, 1)},  # noqa: DTZ001  # the fault
        {"bot_id": 0},
        {"bot_id": True},
        {"user_id": "7"},
        {"user_id": 2**63},
        {"stars": 1.5},
        {"data": ["a"]},
        {"data": []},
        {"data": {"x": float("nan")}},
        {"data": {"x": "y" * 5000}},
    ],
)
def test_a_field_that_is_not_what_it_has_to_be_is_refused_by_its_name(wrong: dict[str, object]) -> None:
    [name] = wrong
    with pytest.raises(ValidationError) as caught:
        event(**{"event_id": "e", **wrong})  # type: ignore[arg-type]
    assert caught.value.field == name
