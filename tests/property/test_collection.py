"""A centre against an oracle in plain Python: in whatever order things come, each event is kept once, as it was told first."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import sqlalchemy as sa
from hypothesis import given, settings

from neonpay.analytics.managers.events import bot_number
from neonpay.collection.centre import Centre
from neonpay.collection.wire import Batch
from neonpay.core.clock import microseconds, moment
from neonpay.core.webhook_signing import keys_of, new_secret, sign
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.memory import Memory
from neonpay.ledger.tables_collection import collected_bots
from neonpay.ledger.tables_tracking import soft_events
from tests.integration.conftest import MovableClock

OLD, NEW, FOREIGN = (new_secret(lambda n, letter=letter: letter * n) for letter in (b"o", b"n", b"f"))
NOW = moment(MovableClock().now_us())
FAR = timedelta(days=800)

events = st.fixed_dictionaries(
    {
        "event_id": st.sampled_from(["a", "b", "c", "d"]),
        "kind": st.sampled_from(["product_view", "payment_completed", "whatever the bot names"]),
        "at": st.datetimes((NOW - FAR).replace(tzinfo=None), (NOW + FAR).replace(tzinfo=None), timezones=st.just(UTC))
        | st.just(NOW),
    },
    optional={
        "user_id": st.integers(-(2**63) + 1, 2**63 - 1),
        "stars": st.integers(0, 1000),
        "subject": st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=20),
        "data": st.dictionaries(st.sampled_from("xyz"), st.integers() | st.none() | st.booleans(), max_size=2),
    },
)
batches = st.fixed_dictionaries(
    {
        "bot_id": st.sampled_from([42, "42", 43, "store_bot", "Store_Bot"]),
        "ahead_s": st.sampled_from([0, 0, 200, -200, 7200, -7200]),
        "events": st.lists(events, min_size=1, max_size=4),
        "secret": st.sampled_from([OLD, NEW, NEW, FOREIGN]),
        "signed_ago_s": st.sampled_from([0, 0, 0, 299, -299, 301, -301]),
        "broken": st.sampled_from(
            [None, None, None, {"stars": "many"}, {"price": 1}, {"kind": ""}, {"data": {"at_told": 1}}]
        ),
        "is_packed": st.booleans(),
    }
)


@dataclass
class Oracle:
    """What a centre must have kept."""

    kept: dict[tuple[int, str], tuple[str, datetime, Any, Any]] = field(default_factory=dict)
    repeated: int = 0

    def takes(self, batch: dict[str, Any]) -> int:
        if batch["secret"] == FOREIGN or abs(batch["signed_ago_s"]) > 300:
            return 401
        if batch["broken"] is not None:
            return 400
        skew = timedelta(seconds=batch["ahead_s"])
        for event in batch["events"]:
            key = (bot_number(batch["bot_id"]), event["event_id"])
            if key in self.kept:
                self.repeated += 1
                continue
            at = event["at"] if abs(skew) <= timedelta(minutes=5) else event["at"] - skew
            if not datetime(1970, 1, 1, tzinfo=UTC) <= at <= NOW + timedelta(minutes=5):
                at = NOW
            self.kept[key] = (event["kind"], at, event.get("user_id"), event.get("stars"))
        return 200


@settings(max_examples=25, deadline=None)
@given(st.lists(batches, max_size=10))
def test_a_centre_keeps_what_the_oracle_keeps(sent: list[dict[str, Any]]) -> None:
    asyncio.run(hold_against_the_oracle(sent))


async def hold_against_the_oracle(sent: list[dict[str, Any]]) -> None:
    clock, oracle = MovableClock(), Oracle()
    ledger = Memory().ledger(clock=clock)

    async def opened() -> Ledger:
        return ledger

    centre = Centre(opened, clock, keys_of([NEW, OLD]))
    try:
        for number, batch in enumerate(sent):
            body, headers = on_the_wire(batch, number)
            kind = "application/gzip" if batch["is_packed"] else "application/json"
            answer = await centre.take(Batch, kind, headers, body, from_here=True)
            assert answer.status == oracle.takes(batch), answer.body
        kept, repeated = await ledger.read(all_of)
    finally:
        await ledger.close()
    assert kept == oracle.kept
    assert repeated == oracle.repeated


def on_the_wire(batch: dict[str, Any], number: int) -> tuple[bytes, dict[str, str]]:
    told = [{**event, "at": event["at"].isoformat()} for event in batch["events"]]
    told[-1] |= batch["broken"] or {}
    sent_at = (NOW + timedelta(seconds=batch["ahead_s"])).isoformat()
    body = json.dumps({"bot_id": batch["bot_id"], "sent_at": sent_at, "events": told}).encode()
    body = gzip.compress(body) if batch["is_packed"] else body
    at_s = int(NOW.timestamp()) - batch["signed_ago_s"]
    return body, sign(keys_of(batch["secret"]), f"msg_{number}", at_s, body)


def all_of(transaction: Transaction) -> tuple[dict[tuple[int, str], tuple[str, datetime, Any, Any]], int]:
    event = soft_events.c
    rows = transaction.connection.execute(
        sa.select(event.bot_id, event.event_id, event.kind, event.at, event.user_id, event.stars)
    ).all()
    repeated = transaction.connection.execute(sa.select(sa.func.coalesce(sa.func.sum(collected_bots.c.repeated), 0)))
    assert all(microseconds(row.at) for row in rows)
    return {
        (row.bot_id, row.event_id): (row.kind, row.at, row.user_id, row.stars) for row in rows
    }, repeated.scalar_one()
