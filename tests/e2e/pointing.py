"""What Python runs before a printed program, as ``sitecustomize``: every bot library finds the simulated Telegram.

A library that asks by HTTP gets another address as its default one; a client of MTProto gets a line through a socket, whose
other end is ``tests/e2e/mtproto_wire.py``.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

URL = os.environ["SIMULATED_TELEGRAM"]


def _aiogram(module: Any) -> None:
    object.__setattr__(module.PRODUCTION, "base", URL + "/bot{token}/{method}")
    object.__setattr__(module.PRODUCTION, "file", URL + "/file/bot{token}/{path}")


def _telebot(module: Any) -> None:
    module.API_URL, module.FILE_URL = URL + "/bot{0}/{1}", URL + "/file/bot{0}/{1}"


def _ptb(module: Any) -> None:
    def point(builder: Any) -> None:
        builder.base_url(URL + "/bot").base_file_url(URL + "/file/bot")

    _after_init(module.ApplicationBuilder, point)


def _pyrogram(module: Any) -> None:
    def point(client: Any) -> None:
        from neonpay.simulator.mtproto import pyrogram_family
        from tests.e2e.mtproto_wire import FarLine, answer

        root = module.__name__.partition(".")[0]
        pyrogram_family.answer = answer
        pyrogram_family.adopt_pyrogram(client, root, lambda key: FarLine(root, key))

    _after_init(module.Client, point)


def _telethon(module: Any) -> None:
    def point(client: Any) -> None:
        from neonpay.simulator.mtproto import telethon_client
        from tests.e2e.mtproto_wire import FarLine, answer

        telethon_client.answer = answer
        telethon_client.adopt_telethon(client, lambda key: FarLine("telethon", key))

    _after_init(module.TelegramBaseClient, point)


def _after_init(kind: Any, point: Callable[[Any], None]) -> None:
    begin = kind.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        point(self)

    kind.__init__ = init


AFTER: dict[str, Callable[[Any], None]] = {
    "aiogram.client.telegram": _aiogram,
    "telebot.apihelper": _telebot,
    "telebot.asyncio_helper": _telebot,
    "telegram.ext._applicationbuilder": _ptb,
    "pyrogram.client": _pyrogram,
    "hydrogram.client": _pyrogram,
    "telethon.client.telegrambaseclient": _telethon,
}


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        change = AFTER.pop(fullname, None)
        spec = None if change is None else importlib.util.find_spec(fullname)
        if change is None or spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            change(module)

        spec.loader.exec_module = exec_module
        return spec


if __name__ == "sitecustomize":
    sys.meta_path.insert(0, _Finder())
