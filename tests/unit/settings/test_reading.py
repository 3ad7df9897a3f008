"""Settings of a section that is the test's own: which source wins, and what is said when one is wrong."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import pytest

from neonpay import ConfigurationError
from neonpay.settings import LEFT_OUT, Secret, Section, Sources, settings_of

if TYPE_CHECKING:
    from pathlib import Path


class Tier(Section, frozen=True, kw_only=True):
    points: int


class Loyalty(Section, frozen=True, kw_only=True):
    """What an extension declares."""

    points_per_star: Annotated[int, msgspec.Meta(ge=1)] = 1
    expires_after_s: float | None = 60.0
    rounding: Literal["up", "down"] = "down"
    friends: tuple[int, ...] = ()
    tier: Tier | None = None
    words: str | dict[str, str] | None = None
    token: Secret | None = None
    keys: tuple[Secret, ...] = ()


class Needy(Section, frozen=True, kw_only=True):
    url: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _written(folder: Path, text: str, name: str = "neonpay.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _fails(section: type[Section] = Loyalty, **sources: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings_of(section, "gift-cards", **{"environ": {}, **sources})  # type: ignore[arg-type]
    return str(caught.value)


def test_an_argument_wins_over_a_variable_over_the_file_over_the_default(folder: Path) -> None:
    arguments: dict[str, object] = {}
    environ: dict[str, str] = {}

    def points() -> int:
        return settings_of(Loyalty, "gift-cards", arguments=arguments, environ=environ).points_per_star

    assert points() == 1
    _written(folder, "[gift-cards]\npoints_per_star = 2\n")
    assert points() == 2
    environ["NEONPAY_GIFT_CARDS_POINTS_PER_STAR"] = "3"
    assert points() == 3
    arguments["points_per_star"] = 4
    assert points() == 4
    arguments["points_per_star"] = LEFT_OUT
    environ["NEONPAY_GIFT_CARDS_POINTS_PER_STAR"] = ""
    assert points() == 2


def test_each_setting_takes_the_nearest_source_of_its_own(folder: Path) -> None:
    _written(folder, '[gift-cards]\nrounding = "up"\nfriends = [1]\n[another]\nrounding = 7\n')
    found = settings_of(
        Loyalty,
        "gift-cards",
        arguments={"points_per_star": 5},
        environ={"NEONPAY_GIFT_CARDS_FRIENDS": "[2, 3]"},
    )
    assert found == Loyalty(points_per_star=5, rounding="up", friends=(2, 3))


def test_the_file_is_the_one_that_is_given_else_the_one_of_the_variable_else_the_one_here(folder: Path) -> None:
    _written(folder, "[gift-cards]\npoints_per_star = 2\n")
    named = _written(folder, "[gift-cards]\npoints_per_star = 3\n", "named.toml")
    given = _written(folder, "[gift-cards]\npoints_per_star = 4\n", "given.toml")
    environ = {"NEONPAY_CONFIG": str(named)}
    assert settings_of(Loyalty, "gift-cards", environ={}).points_per_star == 2
    assert settings_of(Loyalty, "gift-cards", environ=environ).points_per_star == 3
    assert settings_of(Loyalty, "gift-cards", environ=environ, file=given).points_per_star == 4


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("expires_after_s", "1.5", 1.5),
        ("expires_after_s", "2", 2.0),
        ("expires_after_s", "off", None),
        ("rounding", "up", "up"),
        ("rounding", '"up"', "up"),
        ("friends", "[1, 2]", (1, 2)),
        ("tier", "{points = 3}", Tier(points=3)),
        ("words", "1", "1"),
        ("words", '{"en" = "x"}', '{"en" = "x"}'),
        ("token", "a = 'b", "a = 'b"),
    ],
)
def test_a_variable_is_text_or_what_the_file_would_say(folder: Path, name: str, text: str, expected: object) -> None:
    found = settings_of(Loyalty, "gift-cards", environ={f"NEONPAY_GIFT_CARDS_{name.upper()}": text})
    assert getattr(found, name) == expected


def test_off_in_the_file_and_none_from_the_program_switch_off(folder: Path) -> None:
    path = _written(folder, '[gift-cards]\nexpires_after_s = "off"\n')
    assert settings_of(Loyalty, "gift-cards", environ={}).expires_after_s is None
    path.unlink()
    assert settings_of(Loyalty, "gift-cards", arguments={"expires_after_s": None}, environ={}).expires_after_s is None


def test_an_unknown_key_is_told_with_the_nearest_one(folder: Path) -> None:
    path = _written(folder, "[gift-cards]\npoint_per_stars = 2\n")
    told = f"unknown setting 'point_per_stars' in [gift-cards] of {path}; did you mean 'points_per_star'?"
    assert _fails() == told


def test_an_unknown_key_that_is_near_to_none_is_told_with_all_of_them(folder: Path) -> None:
    _written(folder, "[gift-cards]\nzzz = 2\n")
    assert _fails().endswith("there are: points_per_star, expires_after_s, rounding, friends, tier, words, token, keys")


def test_an_unknown_argument_is_told_with_the_nearest_one(folder: Path) -> None:
    assert _fails(arguments={"rouding": "up"}).endswith("did you mean 'rounding'?")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('points_per_star = "two"', "must be a whole number, 1 or more; got 'two'"),
        ("points_per_star = 0", "must be a whole number, 1 or more; got 0"),
        ("points_per_star = true", "must be a whole number, 1 or more; got True"),
        ('expires_after_s = "of"', "must be a number, or \"off\"; got 'of'"),
        ('rounding = "sideways"', "must be one of 'down', 'up'; got 'sideways'"),
        ('friends = [1, "Ann"]', "must be a list, each item a whole number; got [1, 'Ann'] (at friends[1])"),
        ("tier = {points = 1, stars = 2}", 'must be a table with points (a whole number), or "off"'),
    ],
)
def test_a_wrong_value_in_the_file_is_told_with_its_place_and_what_is_allowed(
    folder: Path, text: str, told: str
) -> None:
    path = _written(folder, f"[gift-cards]\n{text}\n")
    assert _fails().startswith(f"{text.partition(' ')[0]} in [gift-cards] of {path} {told}")


def test_a_wrong_value_of_a_variable_is_told_with_its_name(folder: Path) -> None:
    told = _fails(environ={"NEONPAY_GIFT_CARDS_POINTS_PER_STAR": "many of them"})
    place = "variable NEONPAY_GIFT_CARDS_POINTS_PER_STAR"
    assert told == f"{place} must be a whole number, 1 or more; got 'many of them'"


@pytest.mark.parametrize("text", ["abc", "1,Ann", "[abc", "1.5"])
def test_a_wrong_list_in_a_variable_is_told_as_it_was_typed_with_what_to_type(folder: Path, text: str) -> None:
    told = _fails(environ={"NEONPAY_GIFT_CARDS_FRIENDS": text})
    assert told == (
        "variable NEONPAY_GIFT_CARDS_FRIENDS must be items with commas between them, each a whole number; "
        f"got {text!r}; write NEONPAY_GIFT_CARDS_FRIENDS=123456789,987654321"
    )


@pytest.mark.parametrize("text", ["1\nrounding = 2", "1 # and\nmore = 3", "1e", "[", "{points = "])
def test_a_variable_holds_one_value_and_nothing_behind_it(folder: Path, text: str) -> None:
    assert "must be" in _fails(environ={"NEONPAY_GIFT_CARDS_POINTS_PER_STAR": text})


def test_a_wrong_argument_is_told_as_one(folder: Path) -> None:
    told = _fails(arguments={"points_per_star": "two"})
    assert told == "argument points_per_star must be a whole number, 1 or more; got 'two'"


def test_what_has_to_be_given_is_asked_for(folder: Path) -> None:
    told = _fails(Needy)
    assert told == ("url of [gift-cards] is missing: write it there in neonpay.toml, or set NEONPAY_GIFT_CARDS_URL")


@pytest.mark.parametrize("text", ["token = {a = 'hunter22'}", "keys = ['hunter22', 7]", "keys = 'hunter22'"])
def test_a_secret_is_in_no_error(folder: Path, text: str) -> None:
    _written(folder, f"[gift-cards]\n{text}\n")
    with pytest.raises(ConfigurationError) as caught:
        settings_of(Loyalty, "gift-cards", environ={})
    told = "".join(traceback.format_exception(caught.value))
    assert "a value that is not shown" in told
    assert "hunter22" not in told


def test_a_secret_of_a_variable_is_in_no_error(folder: Path) -> None:
    environ = {"NEONPAY_GIFT_CARDS_KEYS": "{a = 'hunter22'}"}
    assert "hunter22" not in _fails(environ=environ)
    environ = {"NEONPAY_GIFT_CARDS_TIER": "https://shop:hunter22@db.example/"}
    assert "hunter22" not in _fails(environ=environ)


def test_a_secret_is_in_no_repr(folder: Path) -> None:
    found = settings_of(Loyalty, "gift-cards", arguments={"token": "hunter22", "keys": ["hunter23"]}, environ={})
    assert (found.token, found.keys) == ("hunter22", ("hunter23",))
    assert "hunter" not in repr(found)
    assert "token='***'" in repr(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"points_per_star = 2\n[neonpay]\n", "stands outside of a section"),
        (b"[gift-cards\n", "are no TOML"),
        (b"[gift-cards]\na = '\xff'\n", "it is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_path(folder: Path, text: bytes, told: str) -> None:
    path = folder / "neonpay.toml"
    path.write_bytes(text)
    found = _fails()
    assert str(path) in found
    assert told in found


def test_a_file_that_is_named_has_to_be_there(folder: Path) -> None:
    path = folder / "none.toml"
    assert _fails(environ={"NEONPAY_CONFIG": str(path)}).endswith("No such file or directory; NEONPAY_CONFIG names it")
    assert str(path) in _fails(file=path)


def test_a_variable_that_is_nearly_a_setting_is_logged(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    environ = {"NEONPAY_GIFT_CARDS_ROUDING": "up", "NEONPAY_SHOE_SIZE": "43", "NEONPAY_CONFIG": ""}
    with caplog.at_level(logging.INFO, "neonpay.settings"):
        settings_of(Loyalty, "gift-cards", environ=environ)
    assert caplog.messages == [
        "the variable NEONPAY_GIFT_CARDS_ROUDING is no setting; did you mean NEONPAY_GIFT_CARDS_ROUNDING?"
    ]


def test_a_section_that_is_nearly_one_of_ours_is_refused_unless_somebody_has_that_name(folder: Path) -> None:
    _written(folder, "[suport]\n[loyalty]\n")
    sources = Sources({})
    sources.refuse_mistyped({"neonpay", "support"}, {"suport"})
    with pytest.raises(ConfigurationError, match=r"unknown section \[suport\] in .*; did you mean \[support\]\?"):
        sources.refuse_mistyped({"neonpay", "support"})
