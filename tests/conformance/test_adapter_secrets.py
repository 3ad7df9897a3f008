"""Whatever the network does, no table, no event, no log and no error of a shop shows its secrets, on any library."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import requests
import sqlalchemy as sa

from neonpay import NeonPayCore, PaymentStage
from neonpay.core.events import Event
from neonpay.core.payments import Charge, PreCheckout
from neonpay.core.ports import OwnLoop
from neonpay.simulator import BotAccount, Simulator
from neonpay.testing.adapter_suite import BotHost, Noted
from neonpay.testing.hosting import point_telebot
from tests.conformance.hosts.aiogram import AiogramHost
from tests.conformance.hosts.botapi import BotApiHost
from tests.conformance.hosts.ptb import PtbHost
from tests.conformance.hosts.pyrogram import HydrogramHost
from tests.conformance.hosts.telebot_async import AsyncTeleBotHost
from tests.conformance.hosts.telebot_sync import TeleBotHost
from tests.conformance.hosts.telethon import TelethonHost
from tests.conformance.troubled import TROUBLES, TroubledTelegram, troubled

HOSTS: tuple[Callable[[Simulator, BotAccount], BotHost], ...] = (
    AiogramHost,
    PtbHost,
    TeleBotHost,
    AsyncTeleBotHost,
    BotApiHost,
    HydrogramHost,
    TelethonHost,
)
ANN = 77_000_000_001


class Shop:
    """A shop whose handlers, hooks and listeners call Telegram by themselves, too, and raise what they meet."""

    def __init__(self, host: BotHost, telegram: TroubledTelegram, account: BotAccount, path: Path) -> None:
        self.host = host
        self.account = account
        self.path = path
        self.facts: Noted[Event] = Noted()
        self.errors: list[BaseException] = []
        self._address = f"{telegram.base_url}/bot{account.token}"
        host.neonpay = self.neonpay = host.join(
            database_url=f"sqlite:///{path}",
            thank_you_message="Thanks",
            poll_s=0.05,
            messages_per_s=None,
            reconcile_every_s=None,
            enable_logging=True,
        )
        self.neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=50))
        self.neonpay.on_payment(name="deliver")(self._deliver)
        self.neonpay.on_pre_checkout(self._look)
        self.neonpay.on(Event)(self._hear)

    def _ask(self) -> None:
        requests.post(f"{self._address}/getMe", timeout=60).raise_for_status()
        msg = f"{self._address} said nothing"
        raise RuntimeError(msg)

    def _deliver(self, result: object) -> None:
        self._ask()

    async def _look(self) -> None:
        await asyncio.to_thread(self._ask)

    def _hear(self, event: Event) -> None:
        self.facts.add(event)
        self._ask()

    async def tries(self, call: Callable[..., Awaitable[object]], *args: Any, **options: Any) -> None:
        """Call something that may raise, and keep what it raises."""
        try:
            await self.host.call(call, *args, **options)
        except Exception as exc:  # noqa: BLE001  # every error is looked at
            self.errors.append(exc)

    async def hears(self, name: str, fact: PreCheckout | Charge) -> None:
        """What an update of Telegram's does."""

        async def told() -> None:
            pipeline = self.neonpay.program.pipeline
            await getattr(pipeline if name == "pre_checkout" else pipeline.entrance, name)(fact)

        adapter = self.neonpay.program.adapter
        if isinstance(adapter, OwnLoop):
            await self.tries(lambda: asyncio.wrap_future(cast("OwnLoop", adapter).run_soon(told())))
        else:
            await self.tries(told)

    def kept(self) -> str:
        """Every value of every table."""
        engine = sa.create_engine(f"sqlite:///{self.path}")
        tables = sa.MetaData()
        tables.reflect(engine)
        with engine.connect() as connection:
            rows = [row for table in tables.tables.values() for row in connection.execute(sa.select(table)).all()]
        engine.dispose()
        assert len(rows) > 10
        return repr([tuple(row) for row in rows])


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What neonpay and asyncio log, as a handler of the host's gets it."""
    kept: list[logging.LogRecord] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = kept.append  # type: ignore[method-assign]
    root = logging.getLogger()
    ours = logging.getLogger("neonpay")
    before = ours.level
    ours.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield kept
    root.removeHandler(handler)
    ours.setLevel(before)


@pytest.fixture
async def front(telegram: Simulator) -> AsyncIterator[TroubledTelegram]:
    async with troubled(telegram) as front:
        with point_telebot(front.base_url):
            yield front


@pytest.fixture
async def telegram() -> AsyncIterator[Simulator]:
    async with Simulator(seed=11) as telegram:
        yield telegram


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("kind", HOSTS)
async def test_no_secret_gets_out(
    kind: Callable[[Any, BotAccount], BotHost],
    trouble: str,
    telegram: Simulator,
    front: TroubledTelegram,
    records: list[logging.LogRecord],
    tmp_path: Path,
) -> None:
    account = telegram.bot("shop_bot")
    buyer = telegram.user("Ann", stars=1000, user_id=ANN)
    await buyer.says("/start", to=account)
    shop = Shop(kind(front, account), front, account, tmp_path / "shop.db")
    neonpay = shop.neonpay
    try:
        await shop.host.call(neonpay.send_payment, ANN, "vip")
        await front.meets(trouble)
        refused = trouble == "refuses and names the address"
        payload = str(telegram.calls("sendInvoice")[0].params["payload"])
        await _sells_in_trouble(shop, neonpay, payload, thanks=not refused)
    finally:
        await shop.host.stop()

    secret = account.token.partition(":")[2][:20]
    assert secret not in shop.kept()
    assert secret not in repr(shop.facts.all)
    assert len(shop.errors) >= 3
    for error in shop.errors:
        assert secret not in _everything_about(error), type(error)
    ours = [record for record in records if record.name.partition(".")[0] in {"neonpay", "asyncio"}]
    assert len(ours) >= 3
    for record in ours:
        shown = logging.Formatter().format(record) + repr(vars(record))
        shown += _everything_about(record.exc_info[1]) if record.exc_info and record.exc_info[1] else ""
        assert secret not in shown, record.getMessage()


async def _sells_in_trouble(shop: Shop, neonpay: NeonPayCore, payload: str, *, thanks: bool) -> None:
    """Everything that calls Telegram; ``thanks`` says whether a thank-you fails, which a chat that is gone does not get."""
    about: dict[str, Any] = {
        "bot_id": shop.account.id,
        "user_id": ANN,
        "currency": "XTR",
        "amount": 50,
        "payload": payload,
    }
    # Calls that do no harm twice are made again for some seconds.
    meanwhile = asyncio.gather(
        shop.tries(neonpay.send_payment, ANN, "vip"),
        shop.tries(neonpay.create_payment_link, "vip"),
        shop.hears("pre_checkout", PreCheckout(**about, query_id="900", language_code="en")),
        shop.tries(neonpay.books.reconcile),
        shop.tries(neonpay.call, "getMe"),
        shop.tries(neonpay.program.adapter.call, "getMe", {}),
    )
    await shop.hears("charged", Charge(**about, charge_id="charge-1", paid_at_us=1_790_000_000_000_000))
    await shop.facts.has(lambda fact: fact.name == "fulfilment_failed" and fact.handler == "deliver")
    if thanks:
        await shop.facts.has(lambda fact: fact.name == "fulfilment_failed" and fact.handler != "deliver")
    await shop.tries(neonpay.refund, "charge-1")
    await meanwhile


def _everything_about(error: BaseException | None) -> str:
    """An error as it is printed, and all that it holds on to, printed or not."""
    if error is None:
        return ""
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    return shown + _everything_about(error.__cause__) + _everything_about(error.__context__)
