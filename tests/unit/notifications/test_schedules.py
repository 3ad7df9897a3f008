"""Reports are due by the clock on the wall."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from neonpay.errors import ConfigurationError
from neonpay.notifications.report import Figures, Sums, days_of, written
from neonpay.notifications.schedules import Schedule
from neonpay.notifications.templates import Templates

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("clock", ["00:00", "02:30", "03:00", "09:00"])
def test_a_daily_report_is_due_once_a_day_through_summer_time(clock: str) -> None:
    schedule = Schedule.daily(clock, BERLIN)
    for begins in (datetime(2026, 3, 27, 12, tzinfo=BERLIN), datetime(2026, 10, 23, 12, tzinfo=BERLIN)):
        at, days = begins, []
        while at < begins + timedelta(days=5):
            due = schedule.next(at)
            day, moment = schedule.latest(due)
            assert moment == due
            assert schedule.latest(due - timedelta(microseconds=1))[0] == day - timedelta(days=1)
            days.append(day)
            at = due
        assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
        assert len(days) >= 5


def test_a_weekly_report_is_about_the_seven_days_before_its_own() -> None:
    schedule = Schedule.weekly("Mon 09:00", BERLIN)
    due_on, due_at = schedule.latest(datetime(2026, 11, 29, 12, tzinfo=BERLIN))
    assert due_at == datetime(2026, 11, 23, 9, tzinfo=BERLIN)
    assert days_of(schedule, due_on) == (date(2026, 11, 16), date(2026, 11, 22))


@pytest.mark.parametrize("text", ["monday 09:00", "09:00", "mon", "mon 25:00", "mon 09:00+01:00"])
def test_what_is_no_day_and_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="weekly is a day and a time such as"):
        Schedule.weekly(text, BERLIN)


@pytest.mark.parametrize(
    ("count", "orders", "stars", "payments"),
    [
        (1, "1 заказ,", "1 звезда,", "ждёт 1 платёж"),
        (2, "2 заказа,", "2 звезды,", "ждут 2 платежа"),
        (5, "5 заказов,", "5 звёзд,", "ждут 5 платежей"),
        (11, "11 заказов,", "11 звёзд,", "ждут 11 платежей"),
        (21, "21 заказ,", "21 звезда,", "ждёт 21 платёж"),
    ],
)
def test_what_is_counted_is_said_as_russian_says_it(count: int, orders: str, stars: str, payments: str) -> None:
    def says(key: str, words: object, **values: object) -> str:
        return Templates().say(key, words, "ru", **values)  # type: ignore[arg-type]

    sums = Sums(orders=count, gross_stars=count, returned_stars=0)
    figures = Figures(now=sums, before=Sums(orders=0, gross_stars=0, returned_stars=0), waiting=count, requests=0)
    _, body = written(figures, date(2026, 11, 23), date(2026, 11, 23), says)
    for part in (orders, stars, payments):
        assert part in body
