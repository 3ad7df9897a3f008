"""The collectors of the guide: a program tells them events of its bots, and they have the centre know them.

``add_bot`` takes where a bot is, as the guide has it; it is shown and never called, since bots send, and nobody fetches.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Self

from neonpay.collection.bot_numbers import bot_number, bot_title, word_in
from neonpay.collection.config import EventCollectorConfig, checked_config
from neonpay.collection.courier import CentreAwayError, Courier
from neonpay.collection.outbox import LedgerOutbox, MemoryOutbox, Outbox
from neonpay.collection.sender import Sender
from neonpay.collection.wire import check_to_send
from neonpay.core.clock import Clock, SystemClock, moment
from neonpay.core.text import error_words
from neonpay.errors import LedgerError, ValidationError
from neonpay.ledger import Ledger, open_ledger
from neonpay.store.ids import new_event_id
from neonpay.tracking import SoftEvent
from neonpay.tracking.money import MONEY

logger = logging.getLogger("neonpay.collection")

_STOP_S: Final = 2.0
_LATEST_S: Final = 32_503_680_000.0
"""The year 3000: what is after it is no time in seconds."""
_NAMES: Final = frozenset(
    {
        "event_type", "bot_id", "bot_name", "user_id", "amount", "product_id", "metadata", "timestamp", "event_id", "source",
        "session_id", "ip_address", "user_agent",
    }
)  # fmt: skip

_CALLED: Final = MappingProxyType(
    {"kind": "event_type", "stars": "amount", "subject": "product_id", "data": "metadata"}
)
"""Fields of a soft event, and what a collector is told them by."""


@dataclass(frozen=True, slots=True)
class _Bot:
    word: str
    name: str
    address: str


class CentralEventCollector:
    """Holds events of bots and sends them to a centre, each interval and, with ``enable_real_time``, as they come.

    What is told before ``start_collection`` waits for it. With ``database_url`` what waits is kept in that ledger and outlives
    the program; without, it is bounded memory, and ``get_stats()`` counts what there was no room for. Nobody waits for a
    centre that is away.

    Raises:
        ConfigurationError: aiohttp is not installed, ``config`` is none, or the URL.
    """

    def __init__(
        self, config: EventCollectorConfig, *, database_url: str | None = None, clock: Clock | None = None
    ) -> None:
        self.config = checked_config(config)
        self._clock = clock or SystemClock()
        self._database_url = database_url
        self._ledger: Ledger | None = None
        self._outbox: Outbox = MemoryOutbox(config.max_held)
        self._open_outbox()
        self._bots: dict[int, _Bot] = {}
        self._courier = Courier(config, self._clock)
        self._sender = Sender(config, self._courier, name_of=self._name_of)
        self._wake = asyncio.Event()
        self._sending = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._not_before_s = 0.0
        self._held = 0
        self._lost: set[int] = set()
        """Bots of which something was told that there was no room for."""
        self._has_said_whose = False

    def add_bot(self, bot_id: str | int, bot_name: str, webhook_url: str = "") -> None:
        """Have the centre know what people call a bot; raises ValidationError when it is no bot, or that no name."""
        self._bots[bot_number(bot_id)] = _Bot(str(bot_id), bot_title(bot_name), webhook_url)

    def remove_bot(self, bot_id: str | int) -> bool:
        """Forget the name of a bot; whether it was known. What waits of it is sent all the same."""
        return self._bots.pop(bot_number(bot_id), None) is not None

    def trust(self, keys: Sequence[bytes]) -> None:
        """Sign with the first of these keys, unless the config has a secret: a centre of the same program gives its own."""
        self._courier.trust(keys)

    async def tell(self, event: Mapping[str, Any]) -> None:
        """Hold an event; on return it is as durable as this collector can make it.

        Args:
            event: ``event_type`` and ``bot_id``, and of ``user_id``, ``amount``, ``product_id``, ``metadata``, ``source``,
                ``timestamp`` in seconds since the epoch, and ``event_id`` what there is.

        Raises:
            ValidationError: a field is unknown, or not what it has to be; nothing was taken.
            LedgerError: the ledger does not take it.
        """
        alias, soft = self._read(event)
        if alias is not None and soft.kind in MONEY and not self._has_said_whose:
            self._has_said_whose = True
            logger.warning(
                "payments of bot %s count at the centre as they are told; if its program also uses Collection(), tell of it by "
                "Telegram's id of the bot, so that each counts once",
                alias,
            )
        if shed := await self._outbox.hold(alias, [soft]):
            self._sender.sent.shed += shed
            self._lost.add(soft.bot_id)
        self._held += 1
        if self.config.enable_real_time:
            self._wake.set()

    async def start_collection(self) -> None:
        """Send from now on; what a centre has refused is tried once more."""
        if self._task is not None and not self._task.done():
            return
        if isinstance(self._outbox, LedgerOutbox):
            await self._outbox.forgive()
            self._sender.refused_bots.clear()
        self._wake.set()
        self._task = asyncio.create_task(self._collect(), name="neonpay collection")

    async def stop_collection(self) -> None:
        """Try once to send what waits, two seconds at most, then send no more; what is left stays in the ledger, if any."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        try:
            async with asyncio.timeout(_STOP_S):
                await self._round(attempts=1)
        except TimeoutError:
            logger.warning("the centre does not answer; %d events are left for it", await self._outbox.count())
        except LedgerError as exc:
            logger.warning("what waits for the centre cannot be read: %s", error_words(exc))
        await self._courier.close()
        if self._ledger is not None:
            await self._ledger.close()
            self._open_outbox()  # another start opens it

    async def collect_now(self) -> dict[str, bool]:
        """Send what waits; for each bot whether the centre has all that was told of it since the program began."""
        waiting = set(await self._outbox.bots()) | set(self._bots) | self._lost | self._sender.refused_bots
        left = await self._round() | self._lost | self._sender.refused_bots
        return {self._word_of(number): number not in left for number in sorted(waiting)}

    def get_stats(self) -> dict[str, Any]:
        """What this collector has done since the program began, as ``json.dumps`` takes it."""
        return {
            "is_running": self._task is not None and not self._task.done(),
            "central_analytics_url": self.config.central_analytics_url,
            "registered_bots": len(self._bots),
            "bots": {bot.word: {"bot_name": bot.name, "webhook_url": bot.address} for bot in self._bots.values()},
            "told_events": self._held,
            **{
                f"sent_{name}" if name in {"events", "batches"} else name: value
                for name, value in asdict(self._sender.sent).items()
            },
        }

    async def __aenter__(self) -> Self:
        """Collect inside the block."""
        await self.start_collection()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop after it."""
        await self.stop_collection()

    def _open_outbox(self) -> None:
        if self._database_url is not None:
            self._ledger = open_ledger(self._database_url, clock=self._clock)
            self._outbox = LedgerOutbox(self._ledger, self.config.max_held)

    async def _collect(self) -> None:
        while True:
            pause_s = self.config.collection_interval_seconds if self.config.enable_batch_collection else None
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            self._wake.clear()
            try:
                left = await self._round()
            except LedgerError as exc:
                logger.warning("what waits for the centre cannot be read: %s", error_words(exc))
                left = {0}
            if left:
                # Whatever comes meanwhile does not make a centre answer that is away.
                await asyncio.sleep(self._pause_s())
                self._wake.set()

    def _pause_s(self) -> float:
        asked_s = self._not_before_s - asyncio.get_running_loop().time()
        return max(asked_s, self.config.retry_delay, 0.01)

    async def _round(self, *, attempts: int | None = None) -> set[int]:
        """Send what waits, bot by bot; those of which something is left."""
        loop = asyncio.get_running_loop()
        async with self._sending:
            waiting = await self._outbox.bots()
            left: set[int] = set()
            for place, bot_id in enumerate(waiting):
                if loop.time() < self._not_before_s:
                    return {*left, *waiting[place:]}
                try:
                    await self._sender.empty(self._outbox, bot_id, attempts=attempts)
                except CentreAwayError as exc:
                    if exc.retry_after_s is not None:
                        self._not_before_s = loop.time() + exc.retry_after_s
                    return {*left, *waiting[place:]}
            return left

    def _read(self, event: Mapping[str, Any]) -> tuple[str | None, SoftEvent]:
        if not isinstance(event, Mapping):
            raise ValidationError(
                "event", event, "a dict, such as {'event_type': 'product_view', 'bot_id': 'store_bot'}"
            )
        unknown = sorted(map(str, set(event) - _NAMES))
        if unknown:
            raise ValidationError(
                "event", unknown[0], f"an event with no other fields than {', '.join(sorted(_NAMES))}"
            )
        bot_id = event.get("bot_id", "")
        number = bot_number(bot_id)
        event_type = event.get("event_type")
        at = self._moment(event.get("timestamp"))
        try:
            soft = SoftEvent(
                event_id=event.get("event_id") or new_event_id(),
                bot_id=number,
                kind=event_type.value if isinstance(event_type, enum.Enum) else event_type,  # type: ignore[arg-type]  # SoftEvent looks
                at=at,
                user_id=event.get("user_id"),
                subject=event.get("product_id"),
                source=event.get("source"),
                stars=event.get("amount"),
                data=event.get("metadata") or {},
            )
            check_to_send(soft)
        except ValidationError as exc:
            raise exc.called(_CALLED) from None
        name = event.get("bot_name")
        if name is not None and name != "" and number not in self._bots:
            self.add_bot(bot_id, bot_title(name))
        return word_in(bot_id), soft

    def _moment(self, timestamp: object) -> datetime:
        if timestamp is None:
            return moment(self._clock.now_us())
        if isinstance(timestamp, bool) or not isinstance(timestamp, int | float) or not 0 <= timestamp < _LATEST_S:
            raise ValidationError("timestamp", timestamp, "seconds since the epoch")
        return datetime.fromtimestamp(timestamp, UTC)

    def _name_of(self, number: int) -> str | None:
        bot = self._bots.get(number)
        return None if bot is None else bot.name

    def _word_of(self, number: int) -> str:
        bot = self._bots.get(number)
        return str(number) if bot is None else bot.word


class MultiBotEventCollector(CentralEventCollector):
    """The same, by the names that the guide has for several bots of one program."""

    async def start(self) -> None:
        """``start_collection``."""
        await self.start_collection()

    async def stop(self) -> None:
        """``stop_collection``."""
        await self.stop_collection()

    async def receive_realtime_event(self, event: Mapping[str, Any]) -> None:
        """``tell``."""
        await self.tell(event)


class RealTimeEventCollector(CentralEventCollector):
    """The same with the settings that nobody names: every event is sent as it comes."""

    def __init__(
        self, central_analytics_url: str, *, secret: str | None = None, database_url: str | None = None
    ) -> None:
        super().__init__(EventCollectorConfig(central_analytics_url, secret=secret), database_url=database_url)

    async def start(self) -> None:
        """``start_collection``."""
        await self.start_collection()

    async def stop(self) -> None:
        """``stop_collection``."""
        await self.stop_collection()

    async def receive_event(self, event: Mapping[str, Any]) -> None:
        """``tell``."""
        await self.tell(event)
