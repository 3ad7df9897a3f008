"""Periods are cut by the calendar of a zone: DST, half hours and quarters of an hour included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise

import pytest

from neonpay.analytics import Bucket, Period, zone_of
from neonpay.errors import ValidationError

BERLIN = zone_of("Europe/Berlin")


def lengths(period: Period, by: Bucket) -> list[float]:
    return [(span.ends_us - span.starts_us) / 3_600_000_000 for span in period.buckets(by)]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)],
)
def test_a_day_has_as_many_hours_as_the_zone_gives_it(day: date, hours: int) -> None:
    period = Period.between(day, day, zone=BERLIN)
    assert lengths(period, Bucket.DAY) == [hours]
    assert lengths(period, Bucket.HOUR) == [1] * hours


@pytest.mark.parametrize(
    ("zone", "minute"),
    [("Asia/Kathmandu", 15), ("Asia/Kolkata", 30), ("Australia/Eucla", 15), ("Europe/Berlin", 0)],
)
def test_days_and_hours_begin_where_the_zone_has_them_begin(zone: str, minute: int) -> None:
    period = Period.recent(3, now=datetime(2026, 11, 28, 12, tzinfo=UTC), zone=zone_of(zone))
    for by in (Bucket.DAY, Bucket.HOUR):
        for span in period.buckets(by):
            assert span.starts_at.minute == 0
            assert span.starts_at.astimezone(UTC).minute == minute


def test_a_clock_that_goes_back_by_half_an_hour_leaves_no_hole_between_hours() -> None:
    day = date(2026, 4, 5)  # Lord Howe: 02:00 becomes 01:30
    spans = Period.between(day, day, zone=zone_of("Australia/Lord_Howe")).buckets(Bucket.HOUR)
    assert sum((span.ends_us - span.starts_us) // 1_000_000 for span in spans) == 24.5 * 3600
    assert all(before.ends_us == after.starts_us for before, after in pairwise(spans))
    assert all(span.starts_at.minute == 0 for span in spans)


def test_a_day_that_begins_after_midnight_begins_where_the_clock_jumps() -> None:
    cairo = zone_of("Africa/Cairo")  # on 2026-04-24 the clock jumps from 00:00 to 01:00
    spans = Period.between(date(2026, 4, 23), date(2026, 4, 25), zone=cairo).buckets(Bucket.DAY)
    assert [(span.ends_us - span.starts_us) // 3_600_000_000 for span in spans] == [24, 23, 24]


@pytest.mark.parametrize(
    ("by", "starts"),
    [
        (Bucket.WEEK, [date(2025, 12, 29), date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19), date(2026, 1, 26)]),
        (Bucket.MONTH, [date(2026, 1, 1)]),
        (Bucket.QUARTER, [date(2026, 1, 1)]),
        (Bucket.YEAR, [date(2026, 1, 1)]),
    ],
)
def test_weeks_begin_on_monday_and_months_on_the_first(by: Bucket, starts: list[date]) -> None:
    period = Period.between(date(2026, 1, 1), date(2026, 1, 31), zone=BERLIN)
    spans = period.buckets(by)
    assert [max(day, date(2026, 1, 1)) for day in starts] == [span.starts_at.date() for span in spans]


def test_a_bucket_that_is_not_over_or_was_cut_at_its_beginning_is_not_complete() -> None:
    now = datetime(2026, 3, 15, 14, 32, 7, tzinfo=UTC)
    period = Period(since=now - timedelta(days=2), until=now)
    assert [span.is_complete for span in period.buckets(Bucket.DAY)] == [False, True, False]
    assert period.buckets(Bucket.DAY)[-1].ends_at == now


def test_the_period_before_is_cut_at_the_same_moment_of_its_day() -> None:
    now = datetime(2026, 3, 30, 14, 32, 7, tzinfo=BERLIN)  # the clock went forward the day before
    before = Period.recent(7, now=now, zone=BERLIN).before()
    assert before.since == datetime(2026, 3, 17, tzinfo=BERLIN)
    assert before.until == datetime(2026, 3, 23, 14, 32, 7, tzinfo=BERLIN)


def test_the_month_before_ends_on_its_last_day_when_it_is_shorter() -> None:
    before = Period.this(Bucket.MONTH, now=datetime(2026, 3, 31, 10, tzinfo=UTC)).before()
    assert (before.since, before.until) == (
        datetime(2026, 2, 1, tzinfo=UTC),
        datetime(2026, 2, 28, 10, tzinfo=UTC),
    )


def test_the_last_24_hours_are_before_by_as_much() -> None:
    now = datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert Period.named("24h", now=now).before() == Period(
        since=now - timedelta(hours=48), until=now - timedelta(hours=24)
    )


def test_too_many_buckets_are_refused_before_anything_is_read() -> None:
    period = Period.between(date(2025, 1, 1), date(2026, 1, 1))
    with pytest.raises(ValidationError, match="a larger bucket"):
        period.buckets(Bucket.HOUR)


@pytest.mark.parametrize("name", ["1d", "", "30"])
def test_an_unknown_name_of_a_period_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="24h, 7d, 30d, 90d, 365d"):
        Period.named(name, now=datetime(2026, 1, 1, tzinfo=UTC))


def test_naive_times_and_periods_that_end_before_they_begin_are_refused() -> None:
    aware = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValidationError, match="since"):
        Period(since=aware.replace(tzinfo=None), until=aware)
    with pytest.raises(ValidationError, match="until"):
        Period(since=aware, until=aware)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "../etc/passwd", ""])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="Europe/Berlin"):
        zone_of(name)


@pytest.mark.parametrize("zone", [UTC, zone_of("Asia/Tokyo"), zone_of("America/New_York")])
@pytest.mark.parametrize("year", [1, 999, 3001, 9999])
def test_a_time_at_an_end_of_the_calendar_is_refused(year: int, zone: tzinfo) -> None:
    at, today = datetime(year, 1, 1, tzinfo=UTC), datetime(2026, 11, 27, tzinfo=UTC)
    for name, first, last in (("since", at, today), ("until", today, at)):
        with pytest.raises(ValidationError, match=f"{name} must be a time of the years 1000 to 3000"):
            Period(since=first, until=last, zone=zone)
    with pytest.raises(ValidationError, match="now must be a time"):
        Period.recent(3, now=at, zone=zone)


@pytest.mark.parametrize("days", [0, 375_000])
def test_a_period_that_has_none_before_it_says_so(days: int) -> None:
    period = Period(since=datetime(1000, 1, 1, tzinfo=UTC), until=datetime(2026, 11, 27, tzinfo=UTC), days=days)
    assert len(period.buckets(Bucket.YEAR)) == 1027
    with pytest.raises(ValidationError, match="since must be so late that"):
        period.before()
