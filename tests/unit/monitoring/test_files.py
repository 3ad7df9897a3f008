"""Alert rules and the board name metrics and labels that exist, in expressions that Prometheus can read."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from neonpay.cli.monitoring import monitoring
from neonpay.monitoring.metrics import BY_NAME, METRICS, Kind
from tests.unit.docs.blocks import page_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = re.compile(r'"[^"]*"|[A-Za-z_:$][\w:$.]*')
_SELECTOR = re.compile(r"(neonpay_\w+)(?:\{([^}]*)\})?(\[\w+\])?")
_MATCHER = re.compile(r'\s*(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"\s*')
_FUNCTIONS = {"sum", "max", "min", "by", "increase", "max_over_time", "or", "and", "unless", "label_values"}
_MOST_SO_FAR = re.compile(r"max_over_time\((neonpay_\w+)\[\w+\]\)")


def text(name: str) -> str:
    return files("neonpay.monitoring").joinpath(name).read_text(encoding="utf-8")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(text("alerts.yml"))["groups"] for rule in group["rules"]]


def board() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text("board.json"))
    return loaded


def expressions() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in board()["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


@pytest.mark.parametrize(("title", "expression"), list(expressions()))
def test_an_expression_names_metrics_and_labels_that_exist(title: str, expression: str) -> None:
    expression = _MOST_SO_FAR.sub(r"\1", expression)
    named = _SELECTOR.findall(expression)
    assert named
    labels: set[str] = set()
    for name, matchers, window in named:
        metric = BY_NAME[name]
        labels |= set(metric.labels)
        for part in filter(None, re.split(r",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", matchers)):
            match = _MATCHER.fullmatch(part)
            assert match is not None, part
            assert match[1] in metric.labels, (name, part)
        assert (metric.kind is Kind.COUNTER) == bool(window), f"{name}: counters are read as an increase, and only they"
    words = {word for word in _WORDS.findall(_SELECTOR.sub("", expression)) if not word.startswith('"')}
    assert words - _FUNCTIONS - labels == set()
    assert expression.count("(") == expression.count(")")


def test_the_page_has_every_metric() -> None:
    page = page_text("docs/howto/monitor.md")
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        assert f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |" in page
    assert len(re.findall(r"^\| `neonpay_", page, re.MULTILINE)) == len(METRICS)


def test_commands_print_the_rules_and_the_board() -> None:
    for name, printed in (("alerts", "alerts.yml"), ("board", "board.json")):
        answer = CliRunner().invoke(monitoring, [name])
        assert (answer.exit_code, answer.stdout) == (0, text(printed))


def test_a_rule_says_what_is_wrong_and_what_to_do() -> None:
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "action"}
        labels = set().union(*(BY_NAME[name].labels for name, *_ in _SELECTOR.findall(rule["expr"])))
        assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= labels
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_the_legend_of_a_panel_names_labels_of_its_metrics() -> None:
    for panel in board()["panels"]:
        for target in panel["targets"]:
            labels = set().union(*(BY_NAME[name].labels for name, *_ in _SELECTOR.findall(target["expr"])))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


def test_no_label_can_hold_a_person() -> None:
    assert {label for metric in METRICS for label in metric.labels} == {
        "answer", "bot_id", "kind", "loop", "method", "reason", "version",
    }  # fmt: skip
