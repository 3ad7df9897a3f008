"""Tables that fit, numbers of things, and what people type."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import typer

from neonpay.cli.columns import Column, cells, cut, folded, id_chars, laid_out
from neonpay.cli.counted import Total, counted, of_total
from neonpay.cli.typed import TypedUser, moment_typed, user_typed

ROWS = [["stx" + "a" * 60, "season-ticket-for-all", "9,999"]]
COLUMNS = [
    Column(title="charge id", least=13, gives=1),
    Column(title="stage", least=5, gives=2),
    Column(title="Stars", is_number=True),
]


@pytest.mark.parametrize("width", range(30, 140))
def test_a_table_is_as_wide_as_the_terminal_at_most(width: int) -> None:
    lines = laid_out(COLUMNS, ROWS, width=width)
    assert max(map(cells, lines)) <= width
    assert lines[1].endswith("9,999"), "numbers are whole"


def test_the_column_whose_turn_it_is_gives_cells_first() -> None:
    assert laid_out(COLUMNS, ROWS, width=43)[1] == "stxaaaaaaaaa…  season-ticket-for-all  9,999"
    assert laid_out(COLUMNS, ROWS, width=35)[1] == "stxaaaaaaaaa…  season-ticke…  9,999"


def test_a_column_that_may_go_is_left_out_before_a_line_is_too_long() -> None:
    columns = [Column(title="user"), Column(title="since", may_go=True), Column(title="state")]
    rows = [["1234567890", "2026-11-28", "active"]]
    assert laid_out(columns, rows, width=30)[1] == "1234567890  2026-11-28  active"
    assert laid_out(columns, rows, width=29)[1] == "1234567890  active"


def test_wide_characters_take_two_cells() -> None:
    assert [cells(text) for text in ("gem", "宝石", "é", "")] == [3, 4, 1, 0]
    assert cut("宝石が届きません", 7) == "宝石が…"
    assert folded("a 宝石が届きません", 8) == ["a", "宝石が届", "きません"]


def test_text_of_other_people_cannot_steer_the_terminal() -> None:
    (line,) = laid_out([Column(title="")], [["a\x1b[2J\nb\u202e"]], width=None)[1:]
    assert line == "a [2J b"


def test_ids_are_shown_as_long_as_it_takes_to_tell_them_apart() -> None:
    assert id_chars(["stxaaaaaaaaaaaaa", "stxbbbbbbbbbbbbb"]) == 12
    assert id_chars(["stxaaaaaaaaaaaab", "stxaaaaaaaaaaaac"]) == 16
    assert id_chars([]) == 12


def test_one_thing_is_not_one_things() -> None:
    assert [counted(number, "thing") for number in (0, 1, 2, 14_000)] == [
        "0 things",
        "1 thing",
        "2 things",
        "14,000 things",
    ]
    assert [of_total(1, Total(1), "payment"), of_total(100, Total(14_000), "payment")] == [
        "1 payment",
        "Payments: 100 of 14,000",
    ]
    more = Total(100) + Total(10_000, may_be_more=True)
    assert of_total(100, more, "payment") == "Payments: 100 of 10,100 or more"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026", (2026, 1, 1)),
        ("2026-11", (2026, 11, 1)),
        ("2026-11-28", (2026, 11, 28)),
        ("2026-11-28T09:14", (2026, 11, 28, 9, 14)),
        ("2026-11-28 09:14", (2026, 11, 28, 9, 14)),
        ("2026-11-28T09:14:05Z", (2026, 11, 28, 9, 14, 5)),
        ("2026-11-28T11:14:05+02:00", (2026, 11, 28, 9, 14, 5)),
    ],
)
def test_a_time_may_be_typed_as_far_as_it_is_known(typed: str, meant: tuple[int, ...]) -> None:
    assert moment_typed(typed) == datetime(*meant, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize("typed", ["2026-13", "yesterday", "28.11.2026", ""])
def test_what_is_no_time_is_told_with_what_to_type(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 2026-11, 2026-11-28"):
        moment_typed(typed)


def test_a_user_is_typed_by_id_or_username() -> None:
    assert user_typed("123") == TypedUser(123)
    assert user_typed("@Ann_1") == TypedUser(None, "Ann_1")
    for typed in ("ann", "@", "@an n", "1.5"):
        with pytest.raises(typer.BadParameter, match="--user 123456789 or --user @ann"):
            user_typed(typed)
