"""``neonpay doctor`` and Telegram: token, environment, clock, updates, commands."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from neonpay.cli.checks.telegram import NAMES
from neonpay.cli.main import app
from neonpay.cli.pointing import variables
from neonpay.telegram.client import BotApiClient
from tests.integration.cli.front import front_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from neonpay.core.jsontext import JsonValue
    from neonpay.simulator import BotAccount, Simulator

COMMANDS: JsonValue = [
    {"command": "paysupport", "description": "Help with payments"},
    {"command": "terms", "description": "Terms of sale"},
]


class Patient:
    """A bot in a simulated Telegram, without a ledger."""

    def __init__(self, telegram: Simulator, account: BotAccount, client: BotApiClient, folder: Path) -> None:
        self.telegram = telegram
        self.account = account
        self.call = client.call
        self._folder = folder

    async def output(self, *arguments: str, token: str | None = None, api_url: str | None = None) -> tuple[int, str]:
        """Exit code, and all that was printed."""
        env = {
            "NEONPAY_BOT_TOKEN": self.account.token if token is None else token,
            "NEONPAY_DATABASE_URL": f"sqlite:///{self._folder / 'none.db'}",
            "NEONPAY_API_URL": None,
        }
        given = ["doctor", "--library", "botapi", "--api-url", api_url or self.telegram.base_url, *arguments]
        result = await asyncio.to_thread(CliRunner().invoke, app, given, env=env)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert self.account.token.partition(":")[2] not in result.output
        return result.exit_code, result.output

    async def checks(self, *arguments: str, **options: str) -> dict[str, Any]:
        """The checks by name; the exit code fits them."""
        code, text = await self.output("--json", *arguments, **options)
        told = json.loads(text)
        assert code == (1 if told["state"] == "problem" else 0)
        assert [check["name"] for check in told["checks"] if check["name"] in NAMES] == list(NAMES)
        assert all(check["advice"] for check in told["checks"] if check["state"] in {"warning", "problem"})
        return {check["name"]: check for check in told["checks"]}


@pytest.fixture
async def patient(telegram: Simulator, tmp_path: Path) -> AsyncIterator[Patient]:
    account = telegram.bot("shop_bot")
    async with BotApiClient(account.token, base_url=telegram.base_url) as client:
        yield Patient(telegram, account, client, tmp_path)


async def test_what_the_simulator_prints_for_the_program_does_for_the_command(patient: Patient, tmp_path: Path) -> None:
    lines = variables(patient.telegram.base_url, patient.account.token, is_windows=False)
    printed = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    env = {"NEONPAY_BOT_TOKEN": None, "NEONPAY_API_URL": None, **printed}
    given = ["doctor", "--json", "--library", "botapi", "--database", f"sqlite:///{tmp_path / 'none.db'}"]
    result = await asyncio.to_thread(CliRunner().invoke, app, given, env=env)
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["telegram.token"]["state"] == "ok", checks


async def test_a_bot_that_can_sell_is_well(patient: Patient) -> None:
    await patient.call("setMyCommands", {"commands": COMMANDS})
    checks = await patient.checks()
    states = {name: checks[name]["state"] for name in NAMES}
    assert states == {name: "skipped" if name == "updates.errors" else "ok" for name in NAMES}
    assert f"@shop_bot is bot {patient.account.id}" in checks["telegram.token"]["finding"]
    assert "main environment" in checks["telegram.environment"]["finding"]


async def test_a_table_is_for_people(patient: Patient) -> None:
    code, text = await patient.output()
    assert code == 0
    assert "@shop_bot" in text
    assert "lacks /paysupport and /terms" in text
    assert "skipped: updates.errors – there is no webhook that could fail" in text
    assert text.endswith("no problems, 2 warnings.\n"), "the ledger is not there yet, either"
    strict, _ = await patient.output("--strict")
    assert strict == 1


@pytest.mark.parametrize("scope", ["default", "all_private_chats"])
async def test_commands_that_somebody_sees_in_a_private_chat_are_listed(patient: Patient, scope: str) -> None:
    listed = (await patient.checks())["bot.commands"]
    assert (listed["state"], "it may answer them all the same" in listed["finding"]) == ("warning", True)
    await patient.call("setMyCommands", {"commands": COMMANDS, "scope": {"type": scope}})
    assert (await patient.checks())["bot.commands"]["state"] == "ok"


async def test_commands_for_groups_are_not_seen_by_buyers(patient: Patient) -> None:
    await patient.call("setMyCommands", {"commands": COMMANDS, "scope": {"type": "all_group_chats"}})
    assert (await patient.checks())["bot.commands"]["state"] == "warning"


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [
        (["message"], "pre_checkout_query"),
        (["pre_checkout_query"], "message"),
        (["callback_query"], "pre_checkout_query, message"),
    ],
)
async def test_updates_that_carry_money_and_are_not_sent_are_a_problem(
    patient: Patient, allowed: list[str], missing: str
) -> None:
    await patient.call("getUpdates", {"allowed_updates": allowed})
    found = (await patient.checks())["updates.allowed"]
    assert found["state"] == "problem"
    assert found["finding"].startswith(f"Telegram does not send {missing}: ")


async def test_updates_of_subscriptions_matter_to_those_who_sell_them(patient: Patient) -> None:
    await patient.call("getUpdates", {"allowed_updates": ["message", "pre_checkout_query"]})
    assert (await patient.checks())["updates.allowed"]["state"] == "ok"
    found = (await patient.checks("--subscriptions"))["updates.allowed"]
    assert found["state"] == "problem"
    assert "does not send subscription:" in found["finding"]
    await patient.call("getUpdates", {"allowed_updates": []})
    assert (await patient.checks("--subscriptions"))["updates.allowed"]["state"] == "ok"


async def test_a_webhook_keeps_a_bot_that_polls_from_its_updates(patient: Patient) -> None:
    secret_path = f"http://127.0.0.1:9/{patient.account.token}"
    await patient.call("setWebhook", {"url": secret_path})
    assert (await patient.checks())["updates.webhook"]["state"] == "ok"
    assert (await patient.checks("--webhook"))["updates.webhook"]["state"] == "ok"
    found = (await patient.checks("--polling"))["updates.webhook"]
    assert (found["state"], found["finding"]) == (
        "problem",
        "updates go to a webhook at 127.0.0.1, and getUpdates is refused",
    )


async def test_a_bot_that_waits_for_a_webhook_needs_one(patient: Patient) -> None:
    assert (await patient.checks("--webhook"))["updates.webhook"]["state"] == "problem"
    assert (await patient.checks("--polling"))["updates.webhook"]["state"] == "ok"


async def test_a_webhook_that_fails_is_told(patient: Patient) -> None:
    await patient.call("setWebhook", {"url": "http://127.0.0.1:9/hook"})
    assert (await patient.checks())["updates.errors"]["state"] == "ok"
    await patient.telegram.user("Ann").says("hello", to=patient.account)
    async with asyncio.timeout(100):
        while "last_error_date" not in (await patient.call("getWebhookInfo", {})):  # type: ignore[operator]
            pass
    checks = await patient.checks()
    assert checks["updates.errors"]["state"] == "problem"
    # What somebody else's program may answer on that port is not this test's business.
    assert checks["updates.errors"]["finding"].startswith("the last failed delivery was at ")
    assert checks["updates.pending"]["finding"] == "1 update waits to be taken"


async def test_a_queue_that_grows_is_told(patient: Patient) -> None:
    ann = patient.telegram.user("Ann")
    for _ in range(100):
        await ann.says("hello?", to=patient.account)
    found = (await patient.checks())["updates.pending"]
    assert (found["state"], found["finding"]) == ("warning", "100 updates wait to be taken")


@pytest.mark.parametrize(
    ("ahead_s", "state", "words"),
    [
        (0, "ok", "agrees"),
        (20, "warning", "s behind Telegram's"),
        (-20, "warning", "s ahead of Telegram's"),
        (3600, "problem", "s behind Telegram's"),
        (-3600, "problem", "s ahead of Telegram's"),
    ],
)
async def test_a_clock_that_is_off_is_told(patient: Patient, ahead_s: int, state: str, words: str) -> None:
    async with front_of(patient.telegram, ahead_s=ahead_s) as api_url:
        found = (await patient.checks(api_url=api_url))["telegram.clock"]
    assert (found["state"], words in found["finding"]) == (state, True), found


@pytest.mark.parametrize(("lives_in_test", "option"), [(True, ()), (False, ("--test-environment",))])
async def test_a_token_of_the_other_environment_is_a_mix_up(
    patient: Patient, lives_in_test: bool, option: tuple[str, ...]
) -> None:
    async with front_of(patient.telegram, only_test_environment=lives_in_test) as api_url:
        mixed_up = await patient.checks(*option, api_url=api_url)
        right = await patient.checks(*(() if option else ("--test-environment",)), api_url=api_url)
    there, here = ("test", "main") if lives_in_test else ("main", "test")
    found = mixed_up["telegram.environment"]
    assert found["finding"] == f"the bot lives in the {there} environment, and was asked for in the {here} one"
    assert (found["state"], mixed_up["telegram.token"]["state"], mixed_up["updates.allowed"]["state"]) == (
        "problem",
        "ok",
        "skipped",
    )
    assert right["telegram.environment"]["finding"] == f"the bot lives in Telegram's {there} environment"


async def test_a_token_that_telegram_does_not_know_is_a_problem(patient: Patient) -> None:
    checks = await patient.checks(token=f"{patient.account.id}:{'A' * 35}")
    assert checks["telegram.token"]["state"] == "problem"
    assert "401 Unauthorized" in checks["telegram.token"]["finding"]
    assert {checks[name]["state"] for name in NAMES[1:]} == {"skipped"}


@pytest.mark.parametrize("token", ["hush-hush", "hush:hush", "123:hush hush"])
async def test_what_is_no_token_is_a_problem_and_is_not_shown(patient: Patient, token: str) -> None:
    code, text = await patient.output("--json", token=token)
    assert (code, "hush" in text) == (1, False)
    checks = await patient.checks(token=token)
    assert checks["telegram.token"]["state"] == "problem"
    assert "@BotFather" in checks["telegram.token"]["finding"]
    assert {checks[name]["state"] for name in NAMES[1:]} == {"skipped"}


async def test_a_token_file_that_cannot_be_read_is_a_problem(patient: Patient, tmp_path: Path) -> None:
    checks = await patient.checks("--token-file", str(tmp_path / "none"))
    assert checks["telegram.token"]["state"] == "problem"
    assert "cannot read the token file" in checks["telegram.token"]["finding"]


async def test_a_telegram_that_does_not_answer_is_a_problem(patient: Patient) -> None:
    found = (await patient.checks(api_url="http://user:password@127.0.0.1:9"))["telegram.token"]
    assert (found["state"], found["finding"]) == ("problem", "no answer from 127.0.0.1:9")


@pytest.mark.parametrize(("method", "name"), [("getWebhookInfo", "updates.allowed"), ("getMyCommands", "bot.commands")])
async def test_what_telegram_does_not_say_is_not_guessed(patient: Patient, method: str, name: str) -> None:
    patient.telegram.faults.fail(method, error_code=500)
    found = (await patient.checks())[name]
    assert found["state"] == "warning"
    assert found["finding"].startswith("not known: Telegram refused")


async def test_a_telegram_that_is_busy_does_not_make_the_token_wrong(patient: Patient) -> None:
    patient.telegram.faults.fail("getMe", error_code=429, retry_after=7)
    found = (await patient.checks())["telegram.token"]
    assert "429" in found["finding"]
    assert found["advice"].startswith("try again later")


async def test_without_a_token_telegram_is_not_asked(patient: Patient) -> None:
    checks = await patient.checks(token="")
    assert {checks[name]["state"] for name in NAMES} == {"skipped"}
    assert "NEONPAY_BOT_TOKEN" in checks["telegram.token"]["advice"]
    assert patient.telegram.calls(bot=patient.account) == []


async def test_nothing_about_the_bot_is_changed(patient: Patient) -> None:
    await patient.checks()
    asked = {call.method for call in patient.telegram.calls(bot=patient.account)}
    assert asked == {"getMe", "getWebhookInfo", "getMyCommands"}
