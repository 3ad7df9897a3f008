"""Every figure has a definition in both languages, and the page of definitions has them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from neonpay.analytics import METRICS, Metric, Reports
from neonpay.core.namespaces import Verb

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/metrics.md"


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_a_definition_is_whole_sentences_in_both_languages_and_names_its_verb(metric: Metric) -> None:
    for language in ("en", "ru"):
        assert metric.said(language).endswith(".")
    assert any("а" <= letter <= "я" for letter in metric.russian)  # noqa: RUF001  # Russian letters
    assert isinstance(Reports.__dict__[metric.verb], Verb)
    assert metric.unit in {"stars", "count", "share", "seconds", "usd"}


def test_the_page_says_of_each_figure_what_stands_under_its_chart() -> None:
    rows = [f"| `{one.id}` | {one.unit} | `{one.verb}` | {one.english} |" for one in METRICS.values()]
    assert [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")] == rows
