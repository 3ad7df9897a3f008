"""The pytest plugin: fixtures that are there once neonpay is installed, and load nothing until a test asks for one.

Asynchronous tests need pytest-asyncio or anyio's own plugin; which of them runs a test decides which makes its fixtures.
"""

from __future__ import annotations

import inspect
import shutil
from typing import TYPE_CHECKING, Any, Final

import pytest

from neonpay.testing._marks import telegram_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from neonpay.app import NeonPayCore
    from neonpay.simulator import Buyer, Simulator
    from neonpay.testing.blocking import SyncBuyer, SyncSimulator

BUYER_STARS: Final = 1_000
"""What the buyer of a test has, and everybody whom ``make_buyer`` makes, unless said otherwise."""
_NAMES: Final = ("Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gina", "Hugo")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and the fixtures of the plugins that run asynchronous tests here."""
    config.addinivalue_line(
        "markers", "telegram(seed=0, test_environment=False): how the Telegram of the neonpay fixtures is made"
    )
    config.addinivalue_line("markers", "neonpay(**options): more arguments for the create_neonpay of neonpay_app")
    if config.pluginmanager.hasplugin("asyncio"):
        from neonpay.testing import _fixtures_asyncio

        config.pluginmanager.register(_fixtures_asyncio, "neonpay-asyncio")
    if config.pluginmanager.hasplugin("anyio"):
        from neonpay.testing import _fixtures_anyio

        config.pluginmanager.register(_fixtures_anyio, "neonpay-anyio")


@pytest.fixture
def telegram(request: pytest.FixtureRequest) -> Simulator:
    """A local Telegram that runs for this test, on a free port of this machine and without one.

    ``@pytest.mark.telegram(seed=7)`` makes other ids; the same seed makes the same ones every time, in every process.
    """
    made: Simulator = _of_its_loop(request, "telegram")
    return made


@pytest.fixture
def buyer(make_buyer: Callable[..., Buyer]) -> Buyer:
    """Ann, who has 1000 Stars."""
    return make_buyer()


@pytest.fixture
def make_buyer(telegram: Simulator) -> Callable[..., Buyer]:
    """Makes people: ``make_buyer(stars=5)``; each has a name of her or his own."""
    made = 0

    def make_buyer(first_name: str | None = None, *, stars: int = BUYER_STARS, **options: Any) -> Buyer:
        nonlocal made
        name = first_name or _NAMES[made % len(_NAMES)]
        made += first_name is None
        return telegram.user(name, stars=stars, **options)

    return make_buyer


@pytest.fixture
def neonpay_bot(telegram: Simulator) -> object:
    """What sells: write a fixture of this name that gives your bot, and neonpay_app is bound to it.

    aiogram: ``(bot, dispatcher)``. python-telegram-bot: the application. Pyrogram and its family, Telethon, AsyncTeleBot: the
    client. A bare token: the token. Without one it is a bot of aiogram that does nothing else.
    """
    from aiogram import Dispatcher

    return telegram.aiogram_bot("shop_bot"), Dispatcher()


@pytest.fixture
def neonpay_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database for this test: a copy of one whose tables are made once in each process."""
    shutil.copyfile(request.getfixturevalue("neonpay_tables"), tmp_path / "neonpay.db")
    return f"sqlite:///{tmp_path / 'neonpay.db'}"


@pytest.fixture(scope="session")
def neonpay_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an SQLite ledger with its tables and nothing in them."""
    from neonpay.ledger import open_ledger

    path = tmp_path_factory.mktemp("neonpay") / "tables.db"
    ledger = open_ledger(f"sqlite:///{path}")
    ledger.open_sync()
    ledger.close_sync()
    return path


@pytest.fixture
def neonpay_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What ``neonpay_app`` is made with beside the bot and the database; ``@pytest.mark.neonpay(...)`` adds to it.

    Nothing is sent or compared by itself, nothing waits for Telegram's pace, and time is the simulator's.
    """
    quiet = {"poll_s": 0.01, "messages_per_s": None, "reconcile_every_s": None}
    marks = [mark.kwargs for mark in reversed(list(request.node.iter_markers("neonpay")))]
    return {**quiet, **{name: value for mark in marks for name, value in mark.items()}}


@pytest.fixture
def neonpay_app(request: pytest.FixtureRequest) -> NeonPayCore:
    """An application on ``neonpay_bot``, which runs until the test is over: give it stages and handlers, and somebody buys."""
    made: NeonPayCore = _of_its_loop(request, "app")
    return made


@pytest.fixture
def sync_telegram(request: pytest.FixtureRequest) -> Iterator[SyncSimulator]:
    """A local Telegram whose methods block, for tests that are plain functions."""
    from neonpay.testing.blocking import SyncSimulator

    with SyncSimulator(**telegram_options(request)) as telegram:
        yield telegram


@pytest.fixture
def sync_buyer(sync_telegram: SyncSimulator) -> SyncBuyer:
    """Ann, who has 1000 Stars, and whose methods block."""
    return sync_telegram.user(_NAMES[0], stars=BUYER_STARS)


def _of_its_loop(request: pytest.FixtureRequest, name: str) -> Any:
    """The fixture as made by the plugin that runs this test."""
    test = getattr(request.node, "obj", None)
    if test is not None and not inspect.iscoroutinefunction(inspect.unwrap(getattr(test, "hypothesis", test))):
        pytest.fail(
            f"the fixture {name!r} of neonpay lives in an event loop and {request.node.name} is a plain function: make it "
            "async def, or ask for sync_telegram and sync_buyer",
            pytrace=False,
        )
    for way in ("anyio",) if "anyio_backend" in request.fixturenames else ("asyncio", "anyio"):
        if request.config.pluginmanager.hasplugin(f"neonpay-{way}"):
            return request.getfixturevalue(f"_neonpay_{name}_by_{way}")
    pytest.fail("asynchronous tests need a plugin that runs them: pip install pytest-asyncio", pytrace=False)
