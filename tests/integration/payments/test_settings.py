"""A shop that is told about itself by a file, by variables and by its program."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from aiogram import Bot, Dispatcher

from neonpay import ActionType, ConfigurationError, NeonPayCore, Rate, create_neonpay
from tests.integration.conftest import Shop

if TYPE_CHECKING:
    from pathlib import Path

    from neonpay.simulator import Simulator


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program starts; nothing in the environment is about a shop."""
    monkeypatch.chdir(tmp_path)
    for name in ("NEONPAY_CONFIG", "NEONPAY_DATABASE_URL", "NEONPAY_API_URL", "NEONPAY_BOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def _shop(**options: object) -> NeonPayCore:
    bot = Bot("42:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    return create_neonpay(bot, dispatcher=Dispatcher(), **options)  # type: ignore[arg-type]


def _ledgers(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.db")]


@pytest.mark.parametrize(
    ("in_file", "in_variable", "argument", "expected"),
    [
        (None, None, None, "neonpay.db"),
        ("file.db", None, None, "file.db"),
        ("file.db", "variable.db", None, "variable.db"),
        ("file.db", "variable.db", "argument.db", "argument.db"),
    ],
)
async def test_the_ledger_is_where_the_nearest_source_says(
    telegram: Simulator,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_file: str | None,
    in_variable: str | None,
    argument: str | None,
    expected: str,
) -> None:
    if in_file is not None:
        (folder / "neonpay.toml").write_text(f'[neonpay]\ndatabase_url = "sqlite:///{in_file}"\n')
    if in_variable is not None:
        monkeypatch.setenv("NEONPAY_DATABASE_URL", f"sqlite:///{in_variable}")
    options = {} if argument is None else {"database_url": f"sqlite:///{argument}"}
    shop = Shop(telegram, telegram.bot("shop_bot"), **options)
    await shop.neonpay.setup()
    await shop.aclose()
    assert _ledgers(folder) == [expected]


def test_limits_of_the_file_hold_until_the_program_sets_others(folder: Path) -> None:
    (folder / "neonpay.toml").write_text(
        "[security]\nlink_payments = 3\n[security.actions.payment_request]\nmost = 2\nwindow_s = 60\n"
    )
    limits = _shop().security.limits
    assert limits.link_payments == 3
    assert limits.actions == {ActionType.PAYMENT_REQUEST: Rate(2, 60)}


async def test_support_takes_what_its_call_leaves_out_from_the_file(telegram: Simulator, folder: Path) -> None:
    (folder / "neonpay.toml").write_text('[support]\nterms = {en = "Be kind.", ru = "Добро."}\n', encoding="utf-8")
    shop = Shop(telegram, telegram.bot("shop_bot"))
    shop.neonpay.enable_support()
    async with shop.polling():
        ann = await shop.visitor("Ann")
        await ann.says("/terms", to=shop.account)
        answer = await ann.hears(shop.account)
    await shop.aclose()
    assert answer.text == "Be kind."


def test_the_log_says_which_file_was_read(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "neonpay"):
        _shop()
        assert caplog.messages == []
        (folder / "neonpay.toml").write_text("[neonpay]\npoll_s = 2\n")
        _shop()
    assert caplog.messages == [f"settings read from {folder / 'neonpay.toml'}"]


def test_a_mistyped_section_or_setting_makes_no_shop(folder: Path) -> None:
    path = folder / "neonpay.toml"
    path.write_text("[securty]\nlink_payments = 1\n")
    with pytest.raises(ConfigurationError, match=r"unknown section \[securty\] .* did you mean \[security\]\?"):
        _shop()
    path.write_text('[neonpay]\ndatabse_url = "sqlite:///shop.db"\n')
    with pytest.raises(ConfigurationError, match=r"unknown setting 'databse_url' .* did you mean 'database_url'\?"):
        _shop()


def test_the_section_of_somebody_elses_module_is_theirs(folder: Path) -> None:
    (folder / "neonpay.toml").write_text("[loyalty]\nanything = 1\n")
    assert _shop().security.limits.link_payments is None


@pytest.mark.parametrize("text", ["5, 7", "[5, 7]", "5,7"])
async def test_owners_are_named_once_for_all_who_ask_or_tell_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("NEONPAY_ADMINS", text)
    assert _shop().admins == (5, 7)
    assert _shop(admins=[9]).admins == (9,)
    with pytest.raises(ConfigurationError, match="admins must be"):
        _shop(admins=["@olga"])
