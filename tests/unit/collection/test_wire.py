"""What a centre takes of what bots tell, before anything is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from neonpay.collection.wire import Batch, RealTime, Told, decoded, soft_events
from neonpay.core.clock import microseconds
from neonpay.errors import ValidationError

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _batch(kind: str, stars: int, at: datetime = NOW) -> Batch:
    return Batch(bot_id=42, sent_at=NOW, events=[Told(event_id="e1", kind=kind, at=at, stars=stars)])


@pytest.mark.parametrize(
    ("kind", "stars"), [("payment_completed", -5), ("payment_refunded", 100), ("payment_rejected", 1)]
)
def test_money_with_the_wrong_sign_is_refused(kind: str, stars: int) -> None:
    with pytest.raises(ValidationError, match="stars"):
        soft_events(_batch(kind, stars), 42, microseconds(NOW))


def test_a_sale_of_500_days_ago_stays_one_of_500_days_ago() -> None:
    then = NOW - timedelta(days=500)
    (event,), moved = soft_events(_batch("payment_completed", 100, then), 42, microseconds(NOW))
    assert (event.at, moved) == (then, 0)


def test_stars_that_would_overflow_a_sum_are_refused() -> None:
    body = msgspec.json.encode(_batch("payment_completed", 2**62))
    with pytest.raises(ValidationError, match="stars"):
        decoded(Batch, body)


AT = b'"2026-03-01T00:00:00Z"'
WELL = b'{"bot_id":1,"sent_at":' + AT + b',"events":[{"event_id":"a","kind":"k","at":' + AT + b"}]}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body must be JSON (input data was truncated)"),
        (WELL + b"x", "body must be JSON (JSON is malformed: trailing characters (byte 113))"),
        (b"[]", "body must be as /analytics/openapi.json has it: expected `object`, got `array`"),
        (b"{}", "body must be as /analytics/openapi.json has it: object missing required field `bot_id`"),
        (
            WELL.replace(b"Z", b"", 1),
            "sent_at must be as /analytics/openapi.json has it: expected `datetime` with a timezone component",
        ),
        (
            WELL.replace(b'"kind":"k"', b'"kind":"k","stars":1.5'),
            "events[0].stars must be as /analytics/openapi.json has it: expected `int | null`, got `float`",
        ),
        (
            WELL.replace(b'"kind":"k"', b'"kind":"k","price":5'),
            "events[0] must be as /analytics/openapi.json has it: object contains unknown field `price`",
        ),
        (WELL.replace(b'"kind":"k"', b'"kind":"k\\u0000"'), "events[0].kind must be text without the character NUL"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_body_is_said_where_it_is(body: bytes, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        decoded(Batch, body)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (b'"data":{"at_told":"x"}', "data must be an object without the key that the centre marks events with; got 'at_told'"),
        (b'"data":{"long":"' + b"x" * 4_060 + b'"}', "data must be at most 4048 characters of JSON; got 4071"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_event_is_said_of_which(more: bytes, said: str) -> None:
    told = b'{"event_id":"b","kind":"k",' + more + b',"at":' + AT + b"}"
    batch = decoded(Batch, WELL.replace(b"]", b"," + told + b"]"))
    with pytest.raises(ValidationError) as caught:
        soft_events(batch, 1, microseconds(NOW))
    assert str(caught.value) == f"events[1].{said}"
    batch = decoded(
        RealTime, WELL.replace(b'"events":[{"event_id":"a","kind":"k","at":' + AT + b"}]", b'"event":' + told)
    )
    with pytest.raises(ValidationError) as caught:
        soft_events(batch, 1, microseconds(NOW), is_single=True)
    assert str(caught.value) == f"event.{said}"
