"""Which backups are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from neonpay.backup.retention import Dated, Rules, to_remove
from neonpay.errors import ValidationError

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def daily(count: int, *, hours: int = 24) -> list[Dated]:
    return [Dated(f"b{number}", NOW - timedelta(hours=hours * number)) for number in range(count)]


def kept(backups: list[Dated], rules: Rules) -> list[str]:
    gone = set(to_remove(backups, rules, NOW))
    return [one.backup_id for one in backups if one.backup_id not in gone]


def test_the_newest_are_kept() -> None:
    assert kept(daily(5), Rules(newest=2)) == ["b0", "b1"]
    assert kept(daily(5), Rules()) == ["b0", "b1", "b2", "b3", "b4"]


def test_none_that_is_too_old_is_kept_but_the_last_one() -> None:
    assert kept(daily(5), Rules(newest=4, age_days=1.5)) == ["b0", "b1"]
    old = [Dated("old", NOW - timedelta(days=900))]
    assert kept(old, Rules(newest=1, age_days=1)) == ["old"]


def test_one_of_each_day_week_and_month_is_kept_beside_them() -> None:
    backups = daily(100, hours=12)
    found = kept(backups, Rules(newest=1, days=3, weeks=3, months=3))
    dates = [one.created_at.date().isoformat() for one in backups if one.backup_id in found]
    assert dates == ["2026-11-29", "2026-11-28", "2026-11-27", "2026-11-22", "2026-11-15", "2026-10-31"]


def test_what_goes_first_is_the_oldest() -> None:
    assert to_remove(daily(4), Rules(newest=1), NOW) == ["b3", "b2", "b1"]


@pytest.mark.parametrize("rule", [{"newest": 0}, {"days": -1}, {"age_days": 0}])
def test_a_number_that_keeps_nothing_is_refused(rule: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Rules(**rule)  # type: ignore[arg-type]


def test_each_shop_keeps_its_own_and_an_empty_ledger_is_of_none() -> None:
    ours = [Dated(f"ours{day}", NOW - timedelta(days=day), frozenset({1, day})) for day in range(3)]
    theirs = [Dated(f"theirs{day}", NOW - timedelta(days=10 + day), frozenset({7})) for day in range(2)]
    empty = [Dated(f"empty{day}", NOW - timedelta(days=day)) for day in range(2)]
    assert set(to_remove([*ours, *theirs, *empty], Rules(newest=1), NOW)) == {"ours1", "ours2", "theirs1", "empty1"}


def test_a_ledger_that_began_anew_lets_the_newest_of_the_one_before_stay() -> None:
    payments = {0: 4, 1: 1, 2: 0, 3: 900, 4: 870}
    backups = [Dated(f"b{day}", NOW - timedelta(days=day), frozenset({1}), had) for day, had in payments.items()]
    assert to_remove(backups, Rules(newest=2), NOW) == ["b2"]
    assert to_remove(backups, Rules(newest=1), NOW) == ["b4", "b2", "b1"]
