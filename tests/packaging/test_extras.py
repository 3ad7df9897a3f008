"""pyproject.toml and the adapter table say the same, and nobody is held back by us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from neonpay.adapters import ADAPTERS

if TYPE_CHECKING:
    from pathlib import Path

BOT_LIBRARIES = {
    "aiogram",
    "hydrogram",
    "kurigram",
    "pyrofork",
    "pyrogram",
    "pytelegrambotapi",
    "python-telegram-bot",
    "telethon",
}
# They install different versions of one package, over each other.
ONE_OF_THESE = {"kurigram", "pyrofork", "pyrogram"}


def test_every_adapter_has_an_extra_that_installs_its_library(project: dict[str, Any]) -> None:
    declared = project["optional-dependencies"]
    table = {spec.extra: [f"{spec.distribution}>={spec.minimum}", *spec.also] for spec in ADAPTERS}
    assert {name: declared.get(name) for name in table} == table


def test_every_bot_library_in_an_extra_of_its_own_has_an_adapter(project: dict[str, Any]) -> None:
    """`pip install neonpay[ptb]` is a promise that neonpay works there."""
    beside = {canonicalize_name(Requirement(line).name) for spec in ADAPTERS for line in spec.also}
    only_a_bot_library = {
        name
        for name, lines in project["optional-dependencies"].items()
        if BOT_LIBRARIES & (names := {canonicalize_name(Requirement(line).name) for line in lines})
        and names <= BOT_LIBRARIES | beside
    }
    assert only_a_bot_library == {spec.extra for spec in ADAPTERS if spec.library_root}


def test_the_adapter_of_each_row_exists(root: Path) -> None:
    missing = [spec.module for spec in ADAPTERS if not (root / (spec.module.replace(".", "/") + ".py")).is_file()]
    assert missing == []


def test_nothing_has_an_upper_bound(project: dict[str, Any], extras: dict[str, list[Requirement]]) -> None:
    requirements = [Requirement(line) for line in project["dependencies"]]
    requirements += [requirement for lines in extras.values() for requirement in lines]
    capped = [str(each) for each in requirements if any(bound.operator != ">=" for bound in each.specifier)]
    assert capped == []
    assert project["requires-python"] == ">=3.11"


def test_everything_has_a_lower_bound(project: dict[str, Any], extras: dict[str, list[Requirement]]) -> None:
    requirements = [Requirement(line) for line in project["dependencies"]]
    requirements += [requirement for lines in extras.values() for requirement in lines]
    assert [str(each) for each in requirements if not each.specifier] == []


def test_one_package_has_one_lower_bound_but_for_the_simulators_schema(
    project: dict[str, Any], extras: dict[str, list[Requirement]]
) -> None:
    bounds: dict[str, set[Version]] = {}
    requirements = [Requirement(line) for line in project["dependencies"]]
    requirements += [each for name, lines in extras.items() if name not in {"simulator", "dev"} for each in lines]
    for each in requirements:
        bounds.setdefault(canonicalize_name(each.name), set()).update(Version(b.version) for b in each.specifier)
    assert {name: sorted(found) for name, found in bounds.items() if len(found) > 1} == {}


def test_no_extra_installs_two_forks_of_pyrogram(extras: dict[str, list[Requirement]]) -> None:
    both = {
        name: forks
        for name, lines in extras.items()
        if len(forks := {canonicalize_name(each.name) for each in lines} & ONE_OF_THESE) > 1
    }
    assert both == {}


def test_all_installs_no_bot_library(extras: dict[str, list[Requirement]]) -> None:
    assert {canonicalize_name(each.name) for each in extras["all"]}.isdisjoint(BOT_LIBRARIES)


def test_all_installs_every_extra_that_is_neither_for_a_bot_library_nor_for_contributors(
    extras: dict[str, list[Requirement]],
) -> None:
    installed = {canonicalize_name(each.name) for each in extras["all"]}
    for_contributors = {"all", "dev", "docs"}
    expected: set[str] = set()
    for name, lines in extras.items():
        needed = {canonicalize_name(each.name) for each in lines}
        if name not in for_contributors and needed.isdisjoint(BOT_LIBRARIES):
            expected |= needed
    assert installed == expected


def test_the_base_install_brings_four_packages(project: dict[str, Any]) -> None:
    brought = {Requirement(line).name for line in project["dependencies"]}
    assert brought == {"alembic", "msgspec", "sqlalchemy", "uuid-utils"}
