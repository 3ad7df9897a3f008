"""What the charts draw: lengths say what figures say, and nothing that comes in becomes markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from neonpay.web.charts import Bar, Dot, Step, bars, blank_stream, dots, fits, scale, steps, stream, stroke, tint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markupsafe import Markup

HOSTILE = """<script>"'&"""


def drawn(markup: Markup) -> ET.Element:
    return ET.fromstring(str(markup))  # noqa: S314  # our own


def of_class(root: ET.Element, kind: str) -> list[ET.Element]:
    return [each for each in root.iter() if kind in each.get("class", "").split()]


def percent(element: ET.Element, name: str) -> float:
    value = element.get(name, "")
    assert value.endswith("%")
    return float(value[:-1])


def bar(*above: int, below: Iterable[int] = (), is_open: bool = False, words: str = "", label: str = "") -> Bar:
    down = tuple(below)
    return Bar(above, sum(above) - sum(down), words, label, below=down, is_open=is_open)


def draw(*each: Bar, is_signed: bool = False) -> ET.Element:
    return drawn(bars(each, label="Bars", number=str, empty="Nothing.", is_signed=is_signed))


@pytest.mark.parametrize("highest", [0, 1, 3, 7, 40, 99, 100, 101, 2345, 48_250, 10**9])
@pytest.mark.parametrize("lowest", [0, 1, 70, 4000])
def test_an_axis_has_zero_and_at_most_five_round_lines(highest: int, lowest: int) -> None:
    axis = scale(highest, lowest)
    assert 0 in axis.lines
    assert len(axis.lines) <= 5
    assert axis.top >= highest
    assert axis.bottom >= lowest
    step = axis.lines[1] - axis.lines[0] if len(axis.lines) > 1 else 1
    assert str(step).rstrip("0") in {"1", "2", "5"}
    assert axis.y(axis.top) == 0
    assert axis.y(-axis.bottom) == 100


def test_heights_are_to_each_other_as_the_figures_are() -> None:
    root = draw(bar(100, 300), bar(200, 0))
    first, second, third = of_class(root, "mark")
    assert percent(second, "height") == pytest.approx(3 * percent(first, "height"), abs=0.01)
    assert percent(third, "height") == pytest.approx(2 * percent(first, "height"), abs=0.01)
    assert [each.get("class") for each in (first, second, third)] == ["mark b1", "mark b2", "mark b1"]


def test_bars_stand_on_the_line_of_zero_and_on_each_other() -> None:
    root = draw(bar(100, 300, below=[50]))
    (zero,) = of_class(root, "zero")
    first, second, down = of_class(root, "mark")
    assert percent(first, "y") + percent(first, "height") == pytest.approx(percent(zero, "y1"), abs=0.01)
    assert percent(second, "y") + percent(second, "height") == pytest.approx(percent(first, "y"), abs=0.01)
    assert percent(down, "y") == pytest.approx(percent(zero, "y1"), abs=0.01)


def test_what_went_back_hangs_below_zero_and_is_never_too_small_to_see() -> None:
    root = draw(bar(100_000), bar(0, below=[1, 2]))
    (zero,) = of_class(root, "zero")
    down = of_class(root, "down")
    assert [each.get("class") for each in down] == ["mark down b3", "mark down b5"]
    for each in down:
        assert percent(each, "y") >= percent(zero, "y1")
        assert percent(each, "height") > 1


def test_the_bucket_that_is_not_over_is_marked() -> None:
    root = draw(bar(10, 5, label="14 Mar"), bar(4, 2, is_open=True, label="today"))
    assert len(of_class(root, "open")) == 2
    assert [each.text for each in of_class(root, "end")] == ["today"]
    assert not of_class(draw(bar(10), bar(4)), "open")


def test_what_is_not_known_is_a_gap_and_no_zero() -> None:
    root = draw(bar(10), Bar(None, 0, "Not known", "x"), bar(5))
    assert len(of_class(root, "missing")) == 1
    assert len(of_class(root, "mark")) == 2


def test_without_data_the_axes_stay_and_a_sentence_stands_in_the_middle() -> None:
    root = draw(bar(0, 0, label="1 Mar"), bar(0, label="2 Mar"))
    assert len(of_class(root, "grid")) + len(of_class(root, "zero")) == 5
    assert [each.text for each in of_class(root, "none")] == ["Nothing."]
    assert not of_class(root, "mark")
    assert root.get("tabindex") is None
    assert of_class(draw(), "none")


def test_each_bucket_says_what_is_read_there() -> None:
    root = draw(bar(3, words="Mon"), bar(0, below=[7], words="Tue"), bar(0, words="Wed"), is_signed=True)
    said = [(each.get("data-sign"), each.get("data-figure"), each.get("data-words")) for each in of_class(root, "col")]
    assert said == [("+", "3", "Mon"), ("\N{MINUS SIGN}", "7", "Tue"), ("", "0", "Wed")]


def test_a_long_time_has_few_labels_and_a_phone_fewer() -> None:
    root = draw(*[bar(1, label=str(n)) for n in range(90)])
    labels = of_class(root, "tick")
    assert len(labels) <= 7
    assert 1 <= len([each for each in labels if "hide-sm" not in each.get("class", "")]) <= 4
    assert labels[-1].text == "89"


def test_no_text_becomes_markup() -> None:
    charts = [
        bars([bar(1, words=HOSTILE, label=HOSTILE)], label=HOSTILE, number=lambda _: HOSTILE, empty=HOSTILE),
        bars([bar(0, label=HOSTILE)], label=HOSTILE, number=lambda _: HOSTILE, empty=HOSTILE),
        steps([Step(1, HOSTILE, HOSTILE, HOSTILE)], label=HOSTILE, number=lambda _: HOSTILE, empty=HOSTILE),
        dots([Dot(0.5, 2, HOSTILE)], limit_s=10, limit=HOSTILE, label=HOSTILE, number=lambda _: HOSTILE, empty=HOSTILE),
    ]
    for chart in charts:
        assert "<script" not in chart
        assert not re.search(r"\son\w+=", chart)
        texts = [value for each in drawn(chart).iter() for value in (*each.attrib.values(), each.text)]
        assert HOSTILE in texts
    both = stream([1, 1, 1, 1, 1], label=HOSTILE)
    assert "<script" not in both


def test_no_chart_carries_a_style_or_a_colour() -> None:
    charts = (
        draw(bar(1, below=[1], is_open=True)),
        drawn(steps([Step(1, "", ""), Step(2, "", "")], label="", number=str, empty="")),
        drawn(dots([Dot(0.5, 12, "")], limit_s=10, limit="", label="", number=str, empty="")),
        drawn(stroke(0.4)),
    )
    for root in charts:
        for each in root.iter():
            assert not {"style", "fill", "stroke"} & set(each.attrib)


def test_a_line_in_steps_holds_its_value_and_has_a_gap_where_it_is_not_known() -> None:
    each = [Step(value, "", str(place)) for place, value in enumerate([2, 4, None, 4])]
    root = drawn(steps(each, label="Line", number=str, empty=""))
    lines = of_class(root, "line")
    level = [line for line in lines if line.get("x2") == "100%"]
    assert len(level) == 3
    assert percent(level[0], "y1") > percent(level[1], "y1") == percent(level[2], "y1")
    assert len(lines) == 4  # one riser, and none into or out of the gap
    assert of_class(root, "zero")


def test_a_stream_is_as_thick_as_its_counts_and_gold_where_stars_moved() -> None:
    across, upright = re.findall(r"<svg.*?</svg>", stream([1000, 500, 250, 100, 50], label="All"))
    root = drawn(across)
    ink, gold = of_class(root, "ink"), of_class(root, "au")
    assert (len(ink), len(gold), len(of_class(root, "stop"))) == (1, 1, 5)
    heights = []
    for stop in of_class(root, "stop"):
        (top, bottom) = re.findall(r"[ML][\d.]+ ([\d.]+)", stop.get("d", ""))
        heights.append(float(bottom) - float(top))
    assert heights == pytest.approx([112, 56, 28, 16, 16])
    assert gold[0].get("d", "").startswith("M600 ")
    assert [each.get("role") for each in (root, drawn(upright))] == ["img", "img"]
    assert blank_stream(4).count("hollow") == 2 * 4


def test_a_stream_has_the_stops_of_the_trace_and_perhaps_the_look_before_them() -> None:
    assert stream([4, 3, 2, 1], label="").count("stop au-edge") == 2 * 2
    with pytest.raises(ValueError, match="4 or 5 stops"):
        stream([1, 2, 3], label="")


def test_an_answer_past_the_limit_is_drawn_above_its_line() -> None:
    root = drawn(
        dots([Dot(0, 0.2, "fast"), Dot(1, 11, "late")], limit_s=10, limit="10 s", label="", number=str, empty="")
    )
    (limit,) = of_class(root, "limit")
    (late,) = of_class(root, "late")
    assert percent(late, "cy") < percent(limit, "y1")
    assert len(of_class(root, "dot")) == 2


def test_a_stroke_tapers_to_the_share_that_is_left() -> None:
    assert "V20L0 20Z" in stroke(1)
    assert "L96 11V11L" in stroke(0)
    assert "L96 6.5V15.5L" in stroke(0.5)


def test_a_cell_is_tinted_by_one_of_five_classes() -> None:
    assert [tint(share, 0.5) for share in (0.2, 0.5, 0.51, 0.75, 1.0)] == ["t0", "t0", "t1", "t3", "t5"]


def test_more_marks_than_can_be_told_apart_do_not_fit() -> None:
    assert fits(133, 3)
    assert not fits(365, 3)
