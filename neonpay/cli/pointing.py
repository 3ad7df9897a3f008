"""What ``neonpay simulate`` says about how a bot finds it: two variables, and the line for each library."""

from __future__ import annotations

from collections.abc import Mapping

URL_VARIABLE = "TELEGRAM_API_URL"
TOKEN_VARIABLE = "BOT_TOKEN"  # noqa: S105  # the name of a variable, as README.md and the examples have it


def variables(url: str, token: str, *, is_windows: bool) -> list[str]:
    """Lines for a shell, which the programs of README.md and of ``examples`` read."""
    set_ = '$env:{} = "{}"' if is_windows else "export {}={}"
    return [set_.format(URL_VARIABLE, url), set_.format(TOKEN_VARIABLE, token)]


def lines(url: str) -> Mapping[str, str]:
    """By library, what makes a bot ask this address; ``token`` is the bot's."""
    return {
        "aiogram": f'Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base("{url}")))',
        "python-telegram-bot": f'ApplicationBuilder().token(token).base_url("{url}/bot").base_file_url("{url}/file/bot")',
        "TeleBot": f'apihelper.API_URL = "{url}/bot{{0}}/{{1}}"',
        "AsyncTeleBot": f'asyncio_helper.API_URL = "{url}/bot{{0}}/{{1}}"',
        "a bare token": f'create_neonpay(token, api_url="{url}")',
    }


ELSEWHERE = "Telethon and the Pyrogram family run in one program with it: docs/howto/point-your-bot-here.md"
