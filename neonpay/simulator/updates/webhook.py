"""Delivery by webhook: one update of a lane at a time, lanes beside each other, retries with growing pauses.

The rules are those of the Bot API server (SRV, WebhookActor.cpp). Pre-checkout queries, messages and callbacks of one person
are different lanes, so that a bot may get them in any order, as from Telegram.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp

from neonpay.core.limits import WEBHOOK_BACKOFF_CAP_S, WEBHOOK_IDLE_TIMEOUT_S, WEBHOOK_RETRY_AFTER_MAX_S
from neonpay.simulator.wire.encoding import BodyTooLargeError, MalformedBodyError, read_params
from neonpay.simulator.wire.loopback import is_address, is_loopback
from neonpay.simulator.wire.params import Params, lenient_integer
from neonpay.simulator.wire.urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from neonpay.simulator.bell import Bell
    from neonpay.simulator.clock import SteppedClock
    from neonpay.simulator.updates.queue import QueuedUpdate, UpdateQueue

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
GONE_FOR_S: Final = 82_800
"""Time of nothing but HTTP 410 after which the server gives a webhook up: 23 hours (SRV)."""
_GONE: Final = 410
_NEVER_AS_REPLY: Final = frozenset({"deletewebhook", "setwebhook", "close", "logout"})


@dataclass(slots=True)
class _Lane:
    """Where delivery to one lane stands."""

    update_id: int
    tries: int = 0
    pause_s: float = 1.0
    not_before: float = 0.0
    under_way: bool = False


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """What setWebhook asked for."""

    url: str
    secret_token: str = ""
    max_connections: int = 40
    ip_address: str = ""

    @property
    def address(self) -> str:
        """Where it leads; a URL without a scheme is one of https (SRV)."""
        return str(parse_url(self.url, protocol="https"))

    @property
    def told_ip_address(self) -> str:
        """What getWebhookInfo tells; the word for what is not known is the server's. Nothing looks names up here."""
        host = parse_url(self.url, protocol="https").host.strip("[]")
        if not self.ip_address and is_loopback(host) and not is_address(host):
            return "127.0.0.1"
        return self.ip_address or (host if is_address(host) else "<unknown>")


class Webhook:
    """Takes updates from a queue to a URL until stopped.

    Args:
        settings: where to and how.
        queue: the updates.
        clock: virtual time, by which it waits between tries.
        random: for the cap on the pause.
        reply: carries out a method that the bot puts into its answer.
        give_up: called when the address has been gone for 23 hours.
        bell: rung when an update is handed out, for those who wait for that.
        is_down: whether a fault lets this delivery find nobody at the address.
    """

    def __init__(
        self,
        settings: WebhookSettings,
        queue: UpdateQueue,
        *,
        clock: SteppedClock,
        random: Random,
        reply: Callable[[str, Params], Awaitable[object]],
        give_up: Callable[[], None],
        bell: Bell,
        is_down: Callable[[QueuedUpdate], bool],
    ) -> None:
        self.settings = settings
        self._address = settings.address
        self.last_error: tuple[float, str] | None = None
        self._queue = queue
        self._clock = clock
        self._random = random
        self._reply = reply
        self._give_up = give_up
        self._bell = bell
        self._is_down = is_down
        self._lanes: dict[tuple[int, str], _Lane] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._stopped = False
        self._gone_since: float | None = None

    def pump(self) -> None:
        """Send whatever may be sent now."""
        if self._stopped:
            return
        now = self._clock.now()
        heads: dict[tuple[int, str], QueuedUpdate] = {}
        for update in self._queue.pending():
            heads.setdefault(update.lane, update)
        for name in [name for name, lane in self._lanes.items() if name not in heads and not lane.under_way]:
            del self._lanes[name]
        for name, update in heads.items():
            lane = self._lanes.get(name)
            if lane is None or (lane.update_id != update.update_id and not lane.under_way):
                lane = self._lanes[name] = _Lane(update.update_id)
            if not lane.under_way and lane.not_before <= now and len(self._under_way) < self.settings.max_connections:
                self._start(lane, update)

    @property
    def is_delivering(self) -> bool:
        """Whether something is on its way."""
        return bool(self._under_way)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def stop(self) -> None:
        """Send nothing more; what is under way is cut off and stays queued."""
        self._stopped = True
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._close_session()

    async def _close_session(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _start(self, lane: _Lane, update: QueuedUpdate) -> None:
        lane.under_way = True
        update.delivered_count += 1
        self._bell.ring()
        task = asyncio.get_running_loop().create_task(self._deliver(lane, update))
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.result()
        self.pump()

    async def _deliver(self, lane: _Lane, update: QueuedUpdate) -> None:
        error, retry_after_s = await self._post(update)
        lane.under_way = False
        if self._stopped:
            return
        if self._gone_since is not None and self._clock.now() - self._gone_since > GONE_FOR_S:
            self._stopped = True
            self._give_up()
            await self._close_session()
            return
        if error is None:
            self._queue.confirm(update)
            return
        now = self._clock.now()
        self.last_error = (now, error)
        pause_s = float(retry_after_s)
        if not retry_after_s and lane.tries > 0:
            cap_s = self._random.randint(*WEBHOOK_BACKOFF_CAP_S)
            lane.pause_s = min(cap_s, lane.pause_s * 2)
            pause_s = lane.pause_s
        lane.tries += 1
        if now + pause_s > update.expires_at:
            self._queue.expire(update)
            return
        lane.not_before = now + pause_s
        if pause_s:
            self._clock.call_at(lane.not_before, self._retry, what="next try of a webhook")

    async def _retry(self) -> None:
        self.pump()
        await self.settle()

    async def _post(self, update: QueuedUpdate) -> tuple[str | None, int]:
        """Send one update; what went wrong, and the pause that the bot asked for."""
        if self._is_down(update):
            return "Connection failed: ConnectionRefusedError", 0
        silence = asyncio.get_running_loop().create_future()
        idle = self._clock.call_after(
            WEBHOOK_IDLE_TIMEOUT_S, lambda: silence.set_result(None), what="patience with a silent webhook"
        )
        exchange = asyncio.ensure_future(self._exchange(update))
        try:
            await asyncio.wait({exchange, silence}, return_when=asyncio.FIRST_COMPLETED)
            return exchange.result() if exchange.done() else ("Read timeout expired", 0)
        finally:
            idle.cancel()
            silence.cancel()
            exchange.cancel()

    async def _exchange(self, update: QueuedUpdate) -> tuple[str | None, int]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None)
            )
        headers = {SECRET_HEADER: self.settings.secret_token} if self.settings.secret_token else {}
        try:
            async with self._session.post(
                self._address, json=update.body, headers=headers, allow_redirects=False
            ) as response:
                return await self._read(response)
        except (aiohttp.ClientError, OSError) as error:
            return f"Connection failed: {type(error).__name__}", 0

    async def _read(self, response: aiohttp.ClientResponse) -> tuple[str | None, int]:
        if not 200 <= response.status <= 299:  # noqa: PLR2004 - HTTP
            self._note_gone(response.status)
            pause_s = lenient_integer(response.headers.get("Retry-After", "0"))
            reason = f"Wrong response from the webhook: {response.status} {response.reason}"
            return reason, min(max(pause_s, 0), WEBHOOK_RETRY_AFTER_MAX_S)
        self._gone_since = None
        try:
            params = await read_params("", response.headers, response.content)
        except (MalformedBodyError, BodyTooLargeError):
            params = Params()
        method = params.values.pop("method", "")
        if method and method.lower() not in _NEVER_AS_REPLY and not method.lower().startswith("get"):
            await self._reply(method, params)
        return None, 0

    def _note_gone(self, status: int) -> None:
        if status != _GONE:
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = self._clock.now()
