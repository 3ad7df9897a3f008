"""The notification chapters of the guide, run as they are written there against a Telegram and a mail server of the test."""

from __future__ import annotations

import ast
import email
import inspect
import re
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType

    from neonpay.simulator import Simulator
    from tests.integration.notifications.conftest import Letters

_TEXT = (Path(__file__).parent / "guide.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^## (.+?)\n\n```(python|shell)\n(.*?)^```", _TEXT, re.DOTALL | re.MULTILINE)
GUIDE = {heading: text for heading, language, text in _BLOCKS if language == "python"}


def test_the_guide_is_all_there() -> None:
    assert (len(GUIDE), len(_BLOCKS)) == (4, 7)


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
