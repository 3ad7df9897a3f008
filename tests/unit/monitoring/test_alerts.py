"""Prometheus's own tool reads the rules and the board, and each rule fires for what it is about and for nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.unit.monitoring.test_files import board, rules, text

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="NOT TESTED: promtool, which comes with Prometheus, is not installed"
)

_TWO = ("bot:9100", "panel:9100")
"""Two processes of one shop, which both tell what the ledger knows."""


class Case(NamedTuple):
    """What is told while all is well, what is told later, and when a rule has noticed."""

    alert: str
    series: str
    well: str
    ill: str
    labels: dict[str, str]
    waits_min: int
    """How long it may be so before somebody is told."""


CASES = [
    Case("NeonpayLedgerDown", "neonpay_ledger_up{}", "1", "0", {}, 2),
    Case("NeonpayNotOpen", 'neonpay_open{bot_id="7"}', "1", "stale", {"bot_id": "7"}, 5),
    Case("NeonpayLoopStopped", 'neonpay_loop_up{bot_id="7",loop="seal"}', "1", "0", {"bot_id": "7", "loop": "seal"}, 2),
    Case(
        "NeonpayLoopFailing",
        'neonpay_loop_failures{bot_id="7",loop="seal"}',
        "4",
        "5",
        {"bot_id": "7", "loop": "seal"},
        5,
    ),
    Case("NeonpayDeliveriesStuck", 'neonpay_jobs_stuck{bot_id="7"}', "0", "1", {"bot_id": "7"}, 5),
    Case("NeonpayDeliveriesStuck", 'neonpay_job_lag_seconds{bot_id="7"}', "600", "601", {"bot_id": "7"}, 5),
    Case(
        "NeonpayCheckoutsUnanswered",
        'neonpay_checkouts_total{bot_id="7",answer="declined",reason="too_slow"}',
        "0",
        "1",
        {"bot_id": "7"},
        0,
    ),
    Case("NeonpayDeadLetters", 'neonpay_jobs_dead{bot_id="7"}', "0", "1", {"bot_id": "7"}, 5),
    Case("NeonpayJobsStranded", 'neonpay_jobs_stranded{bot_id="7"}', "0", "1", {"bot_id": "7"}, 10),
    Case("NeonpayPaymentsUndecided", 'neonpay_payments_undecided{bot_id="7"}', "0", "1", {"bot_id": "7"}, 15),
    Case("NeonpayRefundsDue", 'neonpay_refunds_due{bot_id="7"}', "0", "1", {"bot_id": "7"}, 30),
    Case(
        "NeonpayReconciliationOld",
        'neonpay_reconciliation_age_seconds{bot_id="7"}',
        "3600",
        "3601",
        {"bot_id": "7"},
        10,
    ),
    Case("NeonpayPaymentsUnexplained", 'neonpay_payments_unexplained{bot_id="7"}', "0", "1", {"bot_id": "7"}, 0),
    Case("NeonpayBalanceDrift", 'neonpay_balance_drift_stars{bot_id="7"}', "0", "-1", {"bot_id": "7"}, 120),
    Case(
        "NeonpayCircuitOpen",
        'neonpay_circuit_open{bot_id="7",method="sendInvoice"}',
        "0",
        "1",
        {"bot_id": "7", "method": "sendInvoice"},
        10,
    ),
]
_WELL_MIN = 20


def _told(series: str, values: str) -> list[dict[str, str]]:
    head, _, labels = series.partition("{")
    return [{"series": f'{head}{{instance="{one}",{labels}', "values": values} for one in _TWO]


def _fired(alert: str, labels: dict[str, str]) -> dict[str, Any]:
    rule = next(rule for rule in rules() if rule["alert"] == alert)
    said = {
        name: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], words)
        for name, words in rule["annotations"].items()
    }
    return {"exp_labels": {**labels, "severity": rule["labels"]["severity"]}, "exp_annotations": said}


def _try(folder: Path, tests: list[dict[str, Any]]) -> None:
    (folder / "neonpay.rules.yml").write_text(text("alerts.yml"), encoding="utf-8")
    asked = {"rule_files": ["neonpay.rules.yml"], "evaluation_interval": "1m", "tests": tests}
    file = folder / "tests.yml"
    file.write_text(json.dumps(asked), encoding="utf-8")  # which is YAML, too
    done = subprocess.run(["promtool", "test", "rules", str(file)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.series.partition("{")[0])
def test_a_rule_fires_once_for_two_processes_and_not_before_it_has_waited(case: Case, tmp_path: Path) -> None:
    ill = case.ill if case.ill == "stale" else f"{case.ill}x200"
    series = _told(case.series, f"{case.well}x{_WELL_MIN - 1} {ill}")
    # Two minutes more than it waits: rules are looked at once a minute, and what is told no more is missed at the next look.
    times = [(_WELL_MIN - 1, False), (_WELL_MIN + case.waits_min + 2, True)]
    if case.waits_min:
        times.insert(1, (_WELL_MIN + case.waits_min - 1, False))
    tests = [
        {
            "eval_time": f"{at}m",
            "alertname": case.alert,
            "exp_alerts": [_fired(case.alert, case.labels)] if fires else [],
        }
        for at, fires in times
    ]
    _try(tmp_path, [{"interval": "1m", "input_series": series, "alert_rule_test": tests}])


def test_declines_are_told_when_they_are_more_than_half_of_at_least_ten(tmp_path: Path) -> None:
    def shop(declined: int, answered: int) -> list[dict[str, str]]:
        counter = 'neonpay_checkouts_total{bot_id="7",answer="%s",reason="%s"}'
        return [
            *_told(counter % ("declined", "price_changed"), f"0x9 {declined}x100"),
            *_told(counter % ("accepted", ""), f"0x9 {answered}x100"),
        ]

    def asks(fires: bool) -> list[dict[str, Any]]:
        alert = "NeonpayCheckoutsDeclined"
        return [
            {"eval_time": "60m", "alertname": alert, "exp_alerts": [_fired(alert, {"bot_id": "7"})] if fires else []}
        ]

    tests = [
        {"interval": "1m", "input_series": shop(declined, answered), "alert_rule_test": asks(fires)}
        for declined, answered, fires in ((8, 4, True), (6, 6, False), (4, 1, False))
    ]
    _try(tmp_path, tests)


def test_every_rule_is_tried() -> None:
    assert {case.alert for case in CASES} | {"NeonpayCheckoutsDeclined"} == {rule["alert"] for rule in rules()}


def test_prometheus_can_read_what_the_board_asks(tmp_path: Path) -> None:
    asked = [target["expr"] for panel in board()["panels"] for target in panel["targets"]]
    named = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$\w+", "1m", expression.replace('"$bot_id"', '".*"'))}
        for number, expression in enumerate(asked)
    ]
    file = tmp_path / "board.yml"
    file.write_text(json.dumps({"groups": [{"name": "board", "rules": named}]}), encoding="utf-8")
    done = subprocess.run(["promtool", "check", "rules", str(file)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
