"""How the calls of a bare token are made, and what a library's bot is told that is asked the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from neonpay.adapters import AdapterSpec
from neonpay.app.settings import CoreSettings
from neonpay.core.clock import Clock
from neonpay.errors import ConfigurationError

_TEST_LINES: Final[Mapping[str, str]] = {
    "aiogram": "Bot(TOKEN, session=AiohttpSession(api=TEST)), with aiogram.client.telegram.TEST",
    "ptb": 'ApplicationBuilder().token(TOKEN).base_url(lambda token: f"https://api.telegram.org/bot{token}/test")',
    "telebot": 'telebot.apihelper.API_URL = "https://api.telegram.org/bot{0}/test/{1}"',
    "telebot_async": 'telebot.asyncio_helper.API_URL = "https://api.telegram.org/bot{0}/test/{1}"',
    "telethon": 'client.session.set_dc(2, "149.154.167.40", 80) before client.start(bot_token=TOKEN)',
}
_PYROGRAM_FAMILY: Final = "Client(NAME, ..., test_mode=True)"
_LINES: Final[Mapping[str, Mapping[str, str]]] = {
    "session": {
        "aiogram": "Bot(TOKEN, session=AiohttpSession(...))",
        "ptb": "ApplicationBuilder().request(HTTPXRequest(...))",
    },
    "timeout_s": {
        "aiogram": "Bot(TOKEN, session=AiohttpSession(timeout=30))",
        "ptb": "ApplicationBuilder().token(TOKEN).read_timeout(30)",
        "telebot": "telebot.apihelper.READ_TIMEOUT = 30",
        "telebot_async": "telebot.asyncio_helper.REQUEST_TIMEOUT = 30",
    },
    "connections": {
        "aiogram": "Bot(TOKEN, session=AiohttpSession(limit=100))",
        "ptb": "ApplicationBuilder().token(TOKEN).connection_pool_size(100)",
        "telebot_async": "telebot.asyncio_helper.REQUEST_LIMIT = 100",
    },
    "test_environment": _TEST_LINES,
}


def calling(spec: AdapterSpec, core: CoreSettings, *, clock: Clock | None, **given: object) -> dict[str, object]:
    """What an adapter whose calls are ours is connected with beside the rest; nothing for one of a library.

    Settings of the file and the environment are for commands as well, so a library's bot may have them; arguments it may not.

    Args:
        clock: the shop's.
        given: the arguments of ``create_neonpay`` by name; None is not given.

    Raises:
        ConfigurationError: one is given beside a library's bot, which calls by itself, or two that exclude each other.
    """
    if not spec.is_ours:
        for name, value in given.items():
            if value is not None:
                msg = f"{name} is for a bare token; {spec.name} makes its calls itself: {_line(spec, name)}"
                raise ConfigurationError(msg)
        return {}
    if given["session"] is not None and given["connections"] is not None:
        msg = "connections is the session's own: aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100))"
        raise ConfigurationError(msg)
    return {
        "session": given["session"],
        "clock": clock,
        "timeout_s": core.timeout_s,
        "connections": core.connections,
        "test_environment": core.test_environment,
    }


def _line(spec: AdapterSpec, name: str) -> str:
    """What to write instead."""
    if name == "test_environment" and spec.library_root in {"pyrogram", "hydrogram"}:
        return _PYROGRAM_FAMILY
    return _LINES[name].get(spec.name, "say it to the library, and pass create_neonpay the bot alone")
