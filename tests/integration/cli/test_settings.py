"""Commands take what their options leave out from the variables and from ``neonpay.toml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Command


async def test_a_command_finds_the_ledger_by_the_file(neonpay: Command, tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text(f'[neonpay]\ndatabase_url = "{neonpay.environment["NEONPAY_DATABASE_URL"]}"\n')
    by_variable = await neonpay("verify")
    by_file = await neonpay("verify", NEONPAY_DATABASE_URL="", NEONPAY_CONFIG=str(file))
    assert (by_file.exit_code, by_file.stdout) == (by_variable.exit_code, by_variable.stdout)
    assert by_file.exit_code == 0


async def test_the_bot_may_be_named_by_the_file(neonpay: Command, tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text("[neonpay]\nbot_id = 7\n")
    for command in (("verify",), ("payments", "list"), ("payments", "accept", "stx")):
        told = await neonpay(*command, NEONPAY_CONFIG=str(file))
        assert (told.exit_code, "does not have bot 7; it has: " in told.stderr) == (3, True)
    mine = str(neonpay.shop.account.id)
    assert (await neonpay("verify", NEONPAY_CONFIG=str(file), NEONPAY_BOT_ID=mine)).exit_code == 0


async def test_an_option_wins_over_a_variable(neonpay: Command) -> None:
    url = neonpay.environment["NEONPAY_DATABASE_URL"]
    told = await neonpay("verify", "--database", url, NEONPAY_DATABASE_URL="sqlite:///no-such-folder/none.db")
    assert told.exit_code == 0


async def test_a_wrong_setting_is_one_line_without_the_secret(neonpay: Command, tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text("[neonpay]\ndatabase_url = ['postgresql://shop:hunter22@db.example/shop']\n")
    for command in ("verify", "doctor"):
        told = await neonpay(command, NEONPAY_DATABASE_URL="", NEONPAY_CONFIG=str(file))
        assert told.exit_code == 3
        assert told.stderr == (
            f"neonpay: database_url in [neonpay] of {file} must be text; got a value that is not shown, of type list\n"
        )


async def test_a_mistyped_section_is_refused_by_commands_as_by_the_bot(neonpay: Command, tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text('[neonpy]\ndatabase_url = "sqlite:///shop.db"\n')
    for command in (("payments", "list"), ("doctor",)):
        told = await neonpay(*command, NEONPAY_CONFIG=str(file))
        assert (told.exit_code, "did you mean [neonpay]?" in told.stderr) == (3, True)
