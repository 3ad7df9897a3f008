"""Extensions are found without being loaded, and one that is broken is nobody else's trouble."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from neonpay.errors import ConfigurationError, ExtensionError
from neonpay.extensions import EXTENSIONS, ExtensionSpec, find, installed, load
from neonpay.installing import install_line, wheel_line
from tests.integration.registry.distributions import install, install_loyalty

if TYPE_CHECKING:
    from pathlib import Path

GIFTS = ExtensionSpec(name="gift-cards", factory="json:JSONDecoder", commands="json.tool:main")


def test_ours_come_first_and_other_peoples_are_found_by_their_entry_points(place: Path) -> None:
    install_loyalty(place)
    found = installed([GIFTS])
    assert [(each.name, each.distribution, each.error) for each in found] == [
        ("gift-cards", "neonpay", None),
        ("loyalty", "neonpay-loyalty", None),
    ]
    spec = found[1].spec
    assert spec is not None
    assert (spec.parts, spec.help) == (("factory", "commands", "pages"), "Points for what people buy.")
    assert "loyalty_points" not in sys.modules


def test_an_extension_is_found_by_its_name_and_no_other_one_is_looked_at(place: Path) -> None:
    install_loyalty(place)
    install(place, "neonpay-odd", {"odd": "odd_spec:SPEC"}, {"odd_spec.py": "raise RuntimeError('never')\n"})
    found = find("loyalty")
    assert found is not None
    assert found.factory == "loyalty_points:Points"
    assert find("gift-cards") is None
    assert find("gift-cards", [GIFTS]) is GIFTS


def test_a_part_is_loaded_by_its_import_string(place: Path) -> None:
    install_loyalty(place)
    spec = find("loyalty")
    assert spec is not None
    assert getattr(load(spec, "factory"), "__name__", None) == "Points"
    assert "loyalty_points.commands" not in sys.modules
    with pytest.raises(ExtensionError, match="extension loyalty: it brings no tables"):
        load(spec, "tables")


@pytest.mark.parametrize(
    "name", ["", "Loyalty", "gift_cards", "gift--cards", "-gifts", "gifts-", "9lives", "a/b", "ü", "a" * 32, "a\n"]
)
def test_a_name_is_lower_case_words_with_dashes(name: str) -> None:
    with pytest.raises(ExtensionError, match="its name must be lower-case words"):
        ExtensionSpec(name=name, factory="json:JSONDecoder")


@pytest.mark.parametrize("target", ["json", "json:", ":loads", "json loads:x", "json:loads()", "../json:loads"])
def test_a_part_is_named_by_an_import_string(target: str) -> None:
    with pytest.raises(ExtensionError, match="commands must be an import string such as package"):
        ExtensionSpec(name="loyalty", factory="json:JSONDecoder", commands=target)


@pytest.mark.parametrize(
    ("entry", "text", "words"),
    [
        ("odd_spec:SPEC", "raise RuntimeError('out of order')", "cannot be loaded: RuntimeError: out of order"),
        ("odd_spec:SPEC", "raise SystemExit('no')", "cannot be loaded: SystemExit: no"),
        ("odd_spec:OTHER", "", "cannot be loaded: AttributeError"),
        ("nowhere:SPEC", "", "cannot be loaded: ModuleNotFoundError: No module named 'nowhere'"),
        ("odd_spec:SPEC", "SPEC = 'odd'", "odd_spec:SPEC is no neonpay.extensions.ExtensionSpec"),
        (
            "odd_spec:SPEC",
            "from neonpay.extensions import ExtensionSpec\nSPEC = ExtensionSpec(name='even', factory='a:b')",
            "is a spec of the name 'even'; both names must be the same",
        ),
    ],
)
def test_a_broken_entry_point_is_told_with_what_to_type_and_the_rest_is_found(
    place: Path, entry: str, text: str, words: str
) -> None:
    install_loyalty(place)
    install(place, "neonpay-odd", {"odd": entry}, {"odd_spec.py": text + "\n"})
    fine, broken = installed(())
    assert (fine.name, fine.error) == ("loyalty", None)
    assert (broken.name, broken.spec) == ("odd", None)
    assert isinstance(broken.error, ConfigurationError)
    assert words in str(broken.error)
    assert broken.error.extension == "odd"
    assert broken.error.advice == "upgrade or remove it: pip install --upgrade neonpay-odd"
    with pytest.raises(ExtensionError):
        find("odd")


def test_of_two_distributions_with_one_name_neither_is_taken(place: Path) -> None:
    install_loyalty(place)
    install(place, "other-loyalty", {"loyalty": "loyalty_spec:SPEC"})
    first, second = installed(())
    assert (first.spec, second.spec) == (None, None)
    with pytest.raises(ExtensionError, match="neonpay-loyalty and other-loyalty both bring one of this name") as raised:
        find("loyalty")
    assert raised.value.advice == "remove one: pip uninstall neonpay-loyalty"


def test_a_name_of_ours_is_not_taken_away_from_us(place: Path) -> None:
    install_loyalty(place)
    ours = ExtensionSpec(name="loyalty", factory="json:JSONDecoder")
    assert find("loyalty", [ours]) is ours
    first, second = installed([ours])
    assert (first.spec, second.spec, second.distribution) == (ours, None, "neonpay-loyalty")
    assert "neonpay-loyalty and neonpay both bring one of this name" in str(second.error)


@pytest.mark.parametrize(
    ("text", "words", "advice"),
    [
        (
            "import nothing_that_is_there",
            "importing loyalty_points failed: ModuleNotFoundError: No module named 'nothing_that_is_there'",
            'run: pip install "neonpay-loyalty[redis]"',
        ),
        ("", "loyalty_points:Points leads nowhere", "upgrade or remove it: pip install --upgrade neonpay-loyalty"),
        ("raise RuntimeError('out of order')", "importing loyalty_points failed: RuntimeError: out of order", None),
        ("raise SystemExit", "importing loyalty_points failed: SystemExit", None),
    ],
)
def test_a_part_that_cannot_be_loaded_says_what_to_type(place: Path, text: str, words: str, advice: str | None) -> None:
    install_loyalty(place)
    (place / "loyalty_points/__init__.py").write_text(text + "\n")
    spec = find("loyalty")
    assert spec is not None
    with pytest.raises(ExtensionError) as raised:
        load(spec, "factory")
    assert words in str(raised.value)
    assert raised.value.advice == advice
    assert (advice or "") in str(raised.value)


def test_a_module_that_was_not_installed_with_its_extension_is_named(place: Path) -> None:
    spec = ExtensionSpec(name="gift-cards", factory="neonpay.gift_cards.desk:Desk", extra="web")
    with pytest.raises(ExtensionError) as raised:
        load(spec, "factory")
    words = "extension gift-cards: there is no module neonpay.gift_cards; install neonpay again: "
    assert str(raised.value) == words + wheel_line()


def test_what_an_extension_of_ours_lacks_is_an_extra_of_neonpay(place: Path) -> None:
    (place / "gifts.py").write_text("import nothing_that_is_there\n")
    with pytest.raises(ExtensionError, match=re.escape(f"run: {install_line('web')}")):
        load(ExtensionSpec(name="gift-cards", factory="gifts:Gifts", extra="web"), "factory")


def test_every_extension_of_ours_leads_somewhere() -> None:
    assert {spec.name: [bool(load(spec, part)) for part in spec.parts] for spec in EXTENSIONS} == {
        spec.name: [True] * len(spec.parts) for spec in EXTENSIONS
    }
    assert len({spec.name for spec in EXTENSIONS}) == len(EXTENSIONS)
