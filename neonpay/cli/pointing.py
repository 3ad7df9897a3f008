"""What ``neonpay simulate`` says about how a bot finds it: two variables, and the line for each library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

PROGRAM_TOKEN_VARIABLE: Final = "BOT_TOKEN"  # noqa: S105  # the name of a variable
PROGRAM_API_VARIABLE: Final = "TELEGRAM_API_URL"
"""What the programs of README.md and of ``examples`` read, and `neonpay simulate` prints: commands read them last."""


def variables(url: str, token: str, *, is_windows: bool) -> list[str]:
    """Lines for a shell, which the programs of README.md and of ``examples`` read, and commands as well."""
    set_ = '$env:{} = "{}"' if is_windows else "export {}={}"
    return [set_.format(PROGRAM_API_VARIABLE, url), set_.format(PROGRAM_TOKEN_VARIABLE, token)]


def lines(url: str) -> Mapping[str, Sequence[str]]:
    """By library, what makes a bot ask this address; ``token`` is the bot's.

    It is in parts, which make one line, or more where that is too long.
    """
    return {
        "aiogram": (
            "Bot(token, session=AiohttpSession(",
            f'api=TelegramAPIServer.from_base("{url}")))',
        ),
        "python-telegram-bot": (
            "(ApplicationBuilder().token(token)",
            f'.base_url("{url}/bot")',
            f'.base_file_url("{url}/file/bot"))',
        ),
        "TeleBot": (f'apihelper.API_URL = "{url}/bot{{0}}/{{1}}"',),
        "AsyncTeleBot": (f'asyncio_helper.API_URL = "{url}/bot{{0}}/{{1}}"',),
        "a bare token": (f'create_neonpay(token, api_url="{url}")',),
    }


ELSEWHERE = "Telethon and the Pyrogram family run in one program with it: docs/howto/point-your-bot-here.md"
