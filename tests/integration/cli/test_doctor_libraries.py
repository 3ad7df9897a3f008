"""``neonpay doctor`` and what is installed: distributions are laid out as pip does, in folders of the test."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from neonpay._version import __version__
from neonpay.adapters import ADAPTERS
from neonpay.cli.checks.import_names import check_import_names
from neonpay.cli.checks.installed import is_at_least
from neonpay.cli.checks.libraries import check_libraries
from neonpay.cli.checks.ourselves import check_neonpay
from neonpay.cli.main import app
from neonpay.installing import wheel_line

if TYPE_CHECKING:
    from pathlib import Path

    from neonpay.cli.checks.check import Check

AIOGRAM = next(spec for spec in ADAPTERS if spec.name == "aiogram")


def install(site: Path, name: str, version: str, files: dict[str, str]) -> None:
    """What pip leaves behind: the files, over those that are there, and a record of them."""
    record = []
    for path, text in files.items():
        file = site / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(text.encode())}")
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("\n".join([*record, f"{info.name}/METADATA,,", f"{info.name}/RECORD,,"]))


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.mark.parametrize(
    ("version", "minimum", "is_enough"),
    [
        ("3.15", "3.15", True),
        ("3.15.0", "3.15", True),
        ("3.9", "3.15", False),
        ("4", "3.15", True),
        ("3.15rc1", "3.15", False),
        ("3.15.dev3", "3.15", False),
        ("3.15.post1", "3.15", True),
        ("3.16b1", "3.15", True),
        ("2.0.106", "2.0.106", True),
        ("1.40.0+local", "1.40", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, minimum: str, is_enough: bool) -> None:
    assert is_at_least(version, minimum) is is_enough


def test_every_row_of_the_table_is_looked_for(tmp_path: Path) -> None:
    assert {(check.name, check.state.value) for check in check_libraries(path=[str(tmp_path)])} == {
        (f"library.{spec.name}", "skipped") for spec in ADAPTERS
    }


@pytest.mark.parametrize(
    ("version", "state"), [(AIOGRAM.minimum, "ok"), ("2.25.1", "problem"), ("of the day", "warning")]
)
def test_a_library_has_to_be_new_enough(tmp_path: Path, version: str, state: str) -> None:
    install(tmp_path, "Aiogram", version, {"aiogram/__init__.py": ""})
    found = by_name(check_libraries(path=[str(tmp_path)]))["library.aiogram"]
    assert (found.state, version in found.finding) == (state, True)
    if state == "problem":
        assert AIOGRAM.minimum in found.finding
        assert found.advice == f'run: pip install "aiogram>={AIOGRAM.minimum}"'


def test_the_library_that_the_bot_uses_has_to_be_there(tmp_path: Path) -> None:
    found = check_libraries(only="aiogram", path=[str(tmp_path)])
    assert [(check.name, check.state) for check in found] == [("library.aiogram", "problem")]


def test_forks_with_one_import_name_clash(tmp_path: Path) -> None:
    install(tmp_path, "Pyrogram", "2.0.106", {"pyrogram/__init__.py": "one = 1"})
    install(tmp_path, "Kurigram", "2.2.26", {"pyrogram/__init__.py": "two = 2"})
    found = by_name(check_import_names(here=tmp_path / "bot", path=[str(tmp_path)]))["import.pyrogram"]
    assert found.state == "problem"
    assert "Kurigram 2.2.26 and Pyrogram 2.0.106" in found.finding
    assert found.advice.startswith("run: pip uninstall -y kurigram pyrogram;")


def test_one_fork_alone_is_well_and_parts_of_others_beside_it_are_too(tmp_path: Path) -> None:
    install(tmp_path, "pyrofork", "2.3.69", {"pyrogram/__init__.py": "", "pyrogram/types.py": "x = 1"})
    install(tmp_path, "pyrogram-plugin", "1.0", {"pyrogram/contrib/plugin.py": "", "pyrogram_plugin.py": ""})
    found = by_name(check_import_names(here=tmp_path / "bot", path=[str(tmp_path)]))["import.pyrogram"]
    assert (found.state, found.finding) == ("ok", "import pyrogram finds pyrofork 2.3.69, and its files are its own")


@pytest.mark.parametrize(
    ("file", "text"),
    [("__init__.py", "other = 22"), ("__init__.py", "ours = 222"), ("types.py", "longer = True"), ("types.py", None)],
)
def test_files_that_another_distribution_has_replaced_or_taken_along_are_told(
    tmp_path: Path, file: str, text: str | None
) -> None:
    install(tmp_path, "pyrofork", "2.3.69", {"pyrogram/__init__.py": "ours = 111", "pyrogram/types.py": "x = 1"})
    at = tmp_path / "pyrogram" / file
    if text is None:
        at.unlink()
    else:
        at.write_text(text)
    found = by_name(check_import_names(here=tmp_path / "bot", path=[str(tmp_path)]))["import.pyrogram"]
    assert found.state == "problem"
    assert f"1 of 2 files of pyrofork 2.3.69 are missing or are not its own, such as pyrogram/{file}" in found.finding
    assert found.advice == "run: pip install --force-reinstall --no-deps pyrofork==2.3.69"


def test_a_file_beside_the_bot_that_hides_its_library_is_told(tmp_path: Path) -> None:
    site, bot = tmp_path / "site", tmp_path / "bot"
    install(site, "aiogram", "3.31.0", {"aiogram/__init__.py": ""})
    bot.mkdir()
    assert by_name(check_import_names(here=bot, path=[str(site)]))["import.aiogram"].state == "ok"
    (bot / "aiogram.py").write_text("raise SystemExit('executed')")
    found = by_name(check_import_names(here=bot, path=[str(site)]))["import.aiogram"]
    assert found.state == "problem"
    assert found.finding == f"import aiogram finds {bot / 'aiogram.py'}, which is not aiogram 3.31.0"


def test_the_older_neonpay_of_the_package_index_is_told_with_what_to_type(tmp_path: Path) -> None:
    install(tmp_path, "neonpay", "2.6.0", {"neonpay/__init__.py": "raise SystemExit('executed')"})
    found = check_neonpay(here=tmp_path / "bot", path=[str(tmp_path)])
    assert (found.state, found.finding.startswith("neonpay 2.6.0 is installed, and this is")) == ("problem", True)
    assert found.advice == f"run: pip uninstall -y neonpay; then, in a clone after make wheel: {wheel_line()}"


def test_a_folder_beside_the_bot_that_hides_neonpay_is_told(tmp_path: Path) -> None:
    site, bot = tmp_path / "site", tmp_path / "bot"
    install(site, "neonpay", __version__, {"neonpay/__init__.py": ""})
    bot.mkdir()
    running = site / "neonpay/__init__.py"
    assert check_neonpay(here=bot, path=[str(site)], running=running).state == "ok"
    (bot / "neonpay.py").write_text("raise SystemExit('executed')")
    found = check_neonpay(here=bot, path=[str(site)], running=running)
    assert found.state == "problem"
    assert found.finding == f"import neonpay finds {bot / 'neonpay.py'}, which is not this program, {site / 'neonpay'}"


def test_what_is_installed_here_is_well(tmp_path: Path) -> None:
    env = {"NEONPAY_BOT_TOKEN": None, "NEONPAY_DATABASE_URL": f"sqlite:///{tmp_path}/shop.db"}
    result = CliRunner().invoke(app, ["doctor", "--json"], env=env)
    assert result.exit_code == 0, result.output
    checks = {check["name"]: check["state"] for check in json.loads(result.stdout)["checks"]}
    here = [checks[name] for name in ("install.neonpay", "library.aiogram", "import.aiogram", "library.botapi")]
    assert here == ["ok"] * 4


def test_a_library_that_neonpay_does_not_serve_is_a_mistake_of_who_asks() -> None:
    result = CliRunner().invoke(app, ["doctor", "--library", "vkbottle"])
    assert result.exit_code == 2
    assert "aiogram" in result.output


def doctor_in_a_process(folder: Path, *arguments: str, token: str) -> tuple[int, str]:
    env = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "NEONPAY_BOT_TOKEN": token,
        "NEONPAY_DATABASE_URL": "sqlite:///no.db",
    }
    call = [sys.executable, "-m", "neonpay", "doctor", "--api-url", "http://127.0.0.1:9", "--json", *arguments]
    done = subprocess.run(call, capture_output=True, text=True, check=False, env=env, cwd=folder)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_library_is_imported_only_when_asked_and_its_words_show_no_token(tmp_path: Path) -> None:
    token = "123456:" + "aB3-_xY7" * 4
    install(
        tmp_path,
        "aiogram",
        "3.31.0",
        {"aiogram/__init__.py": "import os; raise OSError(os.environ['NEONPAY_BOT_TOKEN'])"},
    )

    def library(*arguments: str) -> Any:
        code, text = doctor_in_a_process(tmp_path, "--library", "aiogram", *arguments, token=token)
        assert (code, token in text, token[7:] in text) == (1, False, False)
        return next(check for check in json.loads(text)["checks"] if check["name"] == "library.aiogram")

    assert library()["state"] == "ok"
    found = library("--import")
    assert (found["state"], "cannot be imported: OSError: ***" in found["finding"]) == ("problem", True), found
