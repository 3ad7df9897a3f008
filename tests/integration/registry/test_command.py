"""``neonpay`` as a process beside which somebody has installed an extension."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING

import pytest
import typer

from neonpay.cli.commands import COMMANDS, CommandRow
from tests.integration.registry.distributions import LOYALTY, install, install_loyalty

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Python = Callable[..., subprocess.CompletedProcess[str]]

_NEVER = "raise AssertionError('imported without need')\n"


def test_an_extension_is_listed_with_its_help_and_not_imported(place: Path, python: Python) -> None:
    files = {**LOYALTY, "loyalty_points/__init__.py": _NEVER, "loyalty_points/commands.py": _NEVER}
    install(place, "neonpay-loyalty", {"loyalty": "loyalty_spec:SPEC"}, files)
    listed = python("-m", "neonpay", "--help")
    assert (listed.returncode, listed.stderr) == (0, "")
    (line,) = [line for line in listed.stdout.splitlines() if "loyalty" in line]
    assert "Points for what people buy." in line


def test_its_commands_run_below_its_name(place: Path, python: Python) -> None:
    install_loyalty(place)
    done = python("-m", "neonpay", "loyalty", "give", "7")
    assert (done.returncode, done.stdout, done.stderr) == (0, "7 points given\n", "")
    listed = python("-m", "neonpay", "loyalty", "--help")
    assert "give" in listed.stdout


def test_a_broken_one_is_told_in_one_line_and_the_rest_works(place: Path, python: Python) -> None:
    install_loyalty(place)
    install(place, "neonpay-odd", {"odd": "odd_spec:SPEC"}, {"odd_spec.py": "raise RuntimeError('out of\\norder')\n"})
    listed = python("-m", "neonpay", "--help")
    assert listed.returncode == 0
    assert "loyalty" in listed.stdout
    assert listed.stderr == (
        "neonpay: extension odd: its entry point odd_spec:SPEC cannot be loaded: RuntimeError: out of order; "
        "upgrade or remove it: pip install --upgrade neonpay-odd\n"
    )
    assert python("-m", "neonpay", "loyalty", "give", "7").stdout == "7 points given\n"
    asked = python("-m", "neonpay", "odd", "now")
    assert (asked.returncode, asked.stdout, asked.stderr) == (3, "", listed.stderr)


def test_two_of_one_name_are_told_in_one_line(place: Path, python: Python) -> None:
    install_loyalty(place)
    install(place, "other-loyalty", {"loyalty": "loyalty_spec:SPEC"})
    listed = python("-m", "neonpay", "--help")
    assert (listed.returncode, "loyalty" in listed.stdout) == (0, False)
    assert listed.stderr == (
        "neonpay: extension loyalty: neonpay-loyalty and other-loyalty both bring one of this name; "
        "remove one: pip uninstall neonpay-loyalty\n"
    )


def test_commands_that_cannot_be_imported_say_what_to_type(place: Path, python: Python) -> None:
    files = {**LOYALTY, "loyalty_points/commands.py": "import nothing_that_is_there\n"}
    install(place, "neonpay-loyalty", {"loyalty": "loyalty_spec:SPEC"}, files)
    asked = python("-m", "neonpay", "loyalty", "give", "7")
    assert (asked.returncode, asked.stdout, asked.stderr.count("\n")) == (3, "", 1)
    assert 'run: pip install "neonpay-loyalty[redis]"' in asked.stderr
    (place / "loyalty_points/commands.py").write_text("commands = 7\n")
    asked = python("-m", "neonpay", "loyalty", "give", "7")
    assert (asked.returncode, asked.stderr) == (
        3, "neonpay: extension loyalty: loyalty_points.commands:commands is no typer.Typer\n"
    )  # fmt: skip


def test_nobody_takes_the_name_of_a_command_of_neonpays_own(place: Path, python: Python) -> None:
    spec = LOYALTY["loyalty_spec.py"].replace('name="loyalty"', 'name="verify"')
    install(place, "neonpay-loyalty", {"verify": "loyalty_spec:SPEC"}, {**LOYALTY, "loyalty_spec.py": spec})
    listed = python("-m", "neonpay", "--help")
    assert (
        listed.stderr == "neonpay: extension verify: its commands cannot be reached: neonpay verify is neonpay's own\n"
    )
    assert "Points for what people buy." not in listed.stdout
    assert "Prove that the books add up" in python("-m", "neonpay", "verify", "--help").stdout


def test_what_is_installed_is_listed_with_who_brings_it_what_it_brings_and_whether_it_loads(
    place: Path, python: Python
) -> None:
    install_loyalty(place)
    fine = python("-m", "neonpay", "extensions")
    assert (fine.returncode, fine.stderr) == (0, "")
    (row,) = [line for line in fine.stdout.splitlines() if line.strip().startswith("loyalty")]
    assert [cell.strip() for cell in row.split("  ") if cell.strip()] == [
        "loyalty", "neonpay-loyalty", "commands, pages", "ok", "Points for what people buy."
    ]  # fmt: skip
    (place / "loyalty_points/pages.py").write_text("import nothing_that_is_there\n")
    install(place, "neonpay-odd", {"odd": "nowhere:SPEC"})
    broken = python("-m", "neonpay", "extensions", "--json")
    assert (broken.returncode, broken.stderr) == (1, "")
    loyalty, odd = [row for row in json.loads(broken.stdout) if row["distribution"] != "neonpay"]
    assert (loyalty["name"], loyalty["distribution"], loyalty["brings"]) == (
        "loyalty", "neonpay-loyalty", ["commands", "pages"]
    )  # fmt: skip
    assert loyalty["advice"] == 'run: pip install "neonpay-loyalty[redis]"'
    assert (odd["name"], odd["brings"]) == ("odd", [])
    assert "No module named 'nowhere'" in odd["error"]
    told = python("-m", "neonpay", "extensions")
    assert told.stdout.count("cannot be used") == 2
    assert told.stderr.count("\n") == 2


def test_neonpays_own_extensions_are_listed_and_can_be_used(python: Python) -> None:
    done = python("-m", "neonpay", "extensions", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == [
        "security", "analytics", "tracking", "collection", "notifications", "buyers", "backup", "support"
    ]  # fmt: skip
    assert {row["error"] for row in rows} == {None}


def test_pages_whose_extra_is_not_installed_are_left_out_and_nothing_is_wrong(python: Python) -> None:
    """A bot with the extra `cli` and not `web` has no pages, and everything else of an extension."""
    code = "import sys; sys.modules['argon2'] = None; from neonpay.cli.main import main; main()"
    told = python("-c", code, "extensions")
    assert told.returncode == 0
    states = {row.split()[0]: "without pages" in row for row in told.stdout.splitlines()[1:] if not row.startswith(" ")}
    assert {name for name, is_without in states.items() if is_without} == {"notifications", "backup"}
    assert "cannot be used" not in told.stdout
    assert told.stderr.count("the dashboard needs argon2; run: pip install") == 2
    rows = json.loads(python("-c", code, "extensions", "--json").stdout)
    assert {row["name"]: row["without"] for row in rows if row["without"]} == {
        "notifications": ["pages"], "backup": ["pages"]
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("-m", "neonpay", "--version"),
        ("-m", "neonpay", "payments", "--help"),
        ("-c", "import neonpay; neonpay.create_neonpay"),
    ],
    ids=["version", "another command", "the package"],
)
def test_an_extension_that_is_not_used_costs_no_import(place: Path, python: Python, arguments: tuple[str, ...]) -> None:
    files = {**LOYALTY, "loyalty_spec.py": _NEVER, "loyalty_points/__init__.py": _NEVER}
    install(place, "neonpay-loyalty", {"loyalty": "loyalty_spec:SPEC"}, files)
    done = python(*arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_imports_no_command(python: Python) -> None:
    done = python("-X", "importtime", "-m", "neonpay", "--version")
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "neonpay.cli.main" in imported
    assert {name for name in imported if name.startswith(("neonpay.", "aiohttp", "rich", "sqlalchemy"))} == {
        "neonpay._version", "neonpay.cli", "neonpay.cli.commands", "neonpay.cli.lazy", "neonpay.cli.main"
    }  # fmt: skip


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_the_list_of_commands_says_what_the_command_says(row: CommandRow) -> None:
    module_name, _, attribute = row.target.partition(":")
    found = getattr(importlib.import_module(module_name), attribute)
    words = found.info.help if isinstance(found, typer.Typer) else found.__doc__
    assert words.partition("\n")[0] == row.help
