"""Every lower bound that we declare is one that works: a bot on exactly those versions sells to a simulated buyer."""

from __future__ import annotations

import asyncio
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from moto.server import ThreadedMotoServer
from packaging.requirements import Requirement

from neonpay.simulator import Simulator

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Environment

pytestmark = [
    pytest.mark.build,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        sys.version_info >= (3, 12), reason="packages this old have wheels for Python 3.11 and not later"
    ),
]

SHOP = """
import asyncio, sys
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from neonpay import create_neonpay, PaymentStage

async def main(base_url, token):
    bot = Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(base_url)))
    dispatcher = Dispatcher()
    neonpay = create_neonpay(bot, dispatcher=dispatcher, database_url="sqlite:///shop.db")
    neonpay.create_payment_stage("tea", PaymentStage(title="Tea", description="A cup of tea", price=3))

    @dispatcher.message()
    async def sell(message):
        await neonpay.send_payment(message.chat.id, "tea")

    @neonpay.on_payment
    async def deliver(result):
        await bot.send_message(result.user_id, f"Tea for {result.amount} Stars")

    await dispatcher.start_polling(bot)

asyncio.run(main(*sys.argv[1:]))
"""


COPIES = """
import sys
from neonpay.backup.targets import open_target
from neonpay.errors import BackupCopyError

target = open_target(f"s3://backups/shop?endpoint={sys.argv[1]}&region=us-east-1")
path = "chunks/" + "a" * 2 + "/" + "a" * 64
target.put(path, b"books")
assert target.get(path, 5) == b"books"
listed = target.list()[path]
assert listed.size == 5 and listed.written_at is not None
target.delete(path)
assert path not in target.list()
try:
    target.get(path, 5)
except BackupCopyError:
    print("copies")
"""


def _lowest(requirements: list[str]) -> list[str]:
    """The requirements with each version at its lower bound."""
    parsed = [Requirement(line) for line in requirements]
    return [f"{each.name}=={next(iter(each.specifier)).version}" for each in parsed if each.specifier]


async def test_a_bot_on_the_lowest_versions_sells_a_stage(
    wheel: Path, empty: Environment, project: dict[str, Any], tmp_path: Path
) -> None:
    declared = [*project["dependencies"], *project["optional-dependencies"]["aiogram"]]
    await asyncio.to_thread(empty.install, f"{wheel}[aiogram]", *_lowest(declared))

    async with Simulator(seed=1) as telegram:
        shop = telegram.bot("tea_bot")
        ann = telegram.user("Ann", stars=10)
        program = await asyncio.create_subprocess_exec(
            *empty.command("python", "-W", "error", "-c", SHOP, telegram.base_url, shop.token),
            cwd=tmp_path,
            env=empty.variables(),
        )
        try:
            await ann.says("tea", to=shop)
            await ann.pays(await ann.hears(shop, timeout_s=120.0))
            assert (await ann.hears(shop, containing="Tea for", timeout_s=120.0)).text == "Tea for 3 Stars"
            assert ann.stars == 7
        finally:
            program.terminate()
            await program.wait()


def test_the_lowest_version_of_what_speaks_s3_keeps_copies_of_backups(
    wheel: Path, empty: Environment, project: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty.install(f"{wheel}[s3]", *_lowest(project["optional-dependencies"]["s3"]))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        asked = urllib.request.Request(f"http://{host}:{port}/backups", method="PUT")  # our own server
        urllib.request.urlopen(asked).close()  # noqa: S310
        done = empty.run("python", "-W", "error", "-c", COPIES, f"http://{host}:{port}")
    finally:
        server.stop()
    assert (done.returncode, done.stdout) == (0, "copies\n"), done.stderr
