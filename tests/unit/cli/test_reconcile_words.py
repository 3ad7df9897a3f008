"""What ``neonpay reconcile`` says of rows that were stepped over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from neonpay.cli.reconcile import _is_explained, _print
from neonpay.core.reports import ReconcileReport

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_one_of_a_thing_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    one = ReconcileReport(
        started_at=NOW,
        is_complete=True,
        recovered=1,
        needs_attention=1,
        balance_stars=1,
        drift_stars=-1,
        drift_nanostars=2,
    )
    _print(one)
    shown = capsys.readouterr().out
    for words in ("1, of which 1 needs attention", "1 Star\n", "-1 Star, +2 nanostars\n"):
        assert words in shown


def test_rows_that_fail_are_told_of_and_unexplained(capsys: pytest.CaptureFixture[str]) -> None:
    report = ReconcileReport(started_at=NOW, failed=2, is_complete=True)
    _print(report)
    assert "2, whose errors the log has" in capsys.readouterr().out
    assert not _is_explained(report)
    assert not report.is_clean
    assert _is_explained(ReconcileReport(started_at=NOW, is_complete=True))
