"""The notification chapters of the guide, run as they are written there against a Telegram and a mail server of the test."""

from __future__ import annotations

import ast
import asyncio
import email
import inspect
import re
import shlex
from email.policy import default
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from neonpay.cli.main import app

if TYPE_CHECKING:
    from types import CodeType

    from neonpay.simulator import Simulator
    from tests.integration.notifications.conftest import Letters

_TEXT = (Path(__file__).parent / "guide.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^## (.+?)\n\n```(python|shell)\n(.*?)^```", _TEXT, re.DOTALL | re.MULTILINE)
TYPED = [
    shlex.split(line)[1:]
    for _, language, text in _BLOCKS
    if language == "shell"
    for line in text.replace("\\\n", " ").splitlines()
    if line.startswith("neonpay")
]
GUIDE = {heading: text for heading, language, text in _BLOCKS if language == "python"}


def test_the_guide_is_all_there() -> None:
    assert (len(GUIDE), len(TYPED), len(_BLOCKS)) == (5, 5, 8)


async def run(there: dict[str, Any], heading: str, instead: dict[str, str]) -> None:
    text = GUIDE[heading]
    for theirs, ours in instead.items():
        text = text.replace(theirs, ours)
    code: CodeType = compile(text, heading, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    running = eval(code, there)  # noqa: S307  # the guide's own code
    if code.co_flags & inspect.CO_COROUTINE:
        await running


async def test_what_the_guide_sends_arrives(telegram: Simulator, letters: Letters) -> None:
    account = telegram.bot("watch_bot")
    owner = telegram.user("Owner")
    await owner.says("/start", to=account)
    instead = {
        '"YOUR_ADMIN_BOT_TOKEN"': f'"{account.token}", telegram_base_url="{telegram.base_url}"',
        '"YOUR_BOT_TOKEN"': f'"{account.token}", telegram_base_url="{telegram.base_url}"',
        "YOUR_CHAT_ID": str(owner.id),
        '"smtp.gmail.com"': f'"localhost", smtp_ca_file="{letters.ca_file}"',
        "587": str(letters.port),
        "your_email@gmail.com": "shop@example.com",
        "your_app_password": "tea",
        "your_password": "tea",
    }
    there: dict[str, Any] = {}
    await run(there, "Setup", instead)
    managers = [there["notifications"]]
    await run(there, "Sending Notifications", instead)
    assert (await owner.hears(account)).text == "Payment Alert\n\nNew payment received: 100⭐"
    await run(there, "Configuration Updates", instead)
    await run(there, "Usage", instead)
    managers.append(there["notifications"])
    message = await owner.hears(account, containing="Alert")
    assert message.text == "🚨 Security Alert\n\nSuspicious activity detected for user 12345"
    ((_, recipients, raw),) = letters.got
    letter = email.message_from_bytes(raw, policy=default)
    assert (recipients, letter["Subject"]) == (["admin@example.com"], "💰 Payment completed")
    assert "User 12345 has paid 100 Stars for Premium Access" in next(letter.iter_parts()).get_content()
    assert managers[1].get_stats()["configured_notifiers"] == 3
    for manager in managers:
        await manager.close()


async def test_what_the_guides_bot_sends_in_a_handler_of_payments_arrives(
    telegram: Simulator, letters: Letters
) -> None:
    account, owner = telegram.bot("watch_bot"), telegram.user("Owner")
    await owner.says("/start", to=account)
    token = f'"{account.token}", telegram_base_url="{telegram.base_url}"'
    mail = f'"{owner.id}", smtp_host="localhost", smtp_port={letters.port}, smtp_ca_file="{letters.ca_file}"'
    mail += ', smtp_username="shop@example.com", smtp_password="tea"'
    result = SimpleNamespace(user_id=12345, amount=100, stage=SimpleNamespace(title="Premium Access"))
    for chat in (f'"{owner.id}"', mail):
        there: dict[str, Any] = {"result": result}
        await run(there, "Complete Bot with All Features", {'"YOUR_BOT_TOKEN"': token, '"YOUR_CHAT_ID"': chat})
        await there["notifications"].close()
    words = "User 12345 has paid 100 Stars for Premium Access"
    assert words in ((await owner.hears(account)).text or "")
    ((_, recipients, raw),) = letters.got
    assert recipients == ["admin@example.com"]
    assert words in next(email.message_from_bytes(raw, policy=default).iter_parts()).get_content()


async def test_what_the_guide_types_sends(telegram: Simulator, letters: Letters) -> None:
    account = telegram.bot("watch_bot")
    owner = telegram.user("Owner")
    await owner.says("/start", to=account)
    instead = {"ADMIN_BOT_TOKEN": account.token, "ADMIN_CHAT_ID": str(owner.id), "your_chat_id": str(owner.id)}
    environment = {
        "NEONPAY_API_URL": telegram.base_url,
        "NEONPAY_NOTIFY_TELEGRAM_BOT_TOKEN": account.token,
        "NEONPAY_NOTIFY_SMTP_HOST": "localhost",
        "NEONPAY_NOTIFY_SMTP_PORT": str(letters.port),
        "NEONPAY_NOTIFY_SMTP_USERNAME": "shop@example.com",
        "NEONPAY_NOTIFY_SMTP_PASSWORD": "tea",
        "NEONPAY_NOTIFY_SMTP_CA_FILE": letters.ca_file,
    }
    for words in TYPED:
        arguments = [instead.get(word, word) for word in words]
        done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment)
        assert (done.exit_code, account.token in done.output) == (0, False), done.output
        assert ("everybody on this machine can read" in done.stderr) == ("--telegram-bot-token" in words)
    for _ in range(2):
        assert (await owner.hears(account)).text == "neonpay\n\nThis is a test of telegram."
    subjects = [email.message_from_bytes(raw, policy=default)["Subject"] for *_, raw in letters.got]
    assert subjects == ["Test", "Daily Report"]
