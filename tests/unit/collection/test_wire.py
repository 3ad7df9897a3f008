"""What a centre takes of what bots tell, before anything is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from neonpay.collection.wire import Batch, Told, decoded, soft_events
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
