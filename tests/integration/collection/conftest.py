"""A centre that is served, and what bots send to it."""

from __future__ import annotations

import gzip
import io
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from neonpay.collection.serving import serving_centre
from neonpay.core.clock import moment
from neonpay.core.webhook_signing import keys_of, new_secret, sign
from tests.integration.conftest import MovableClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

SECRET = new_secret(lambda n: b"s" * n)


@dataclass(frozen=True, slots=True)
class Served:
    """A centre that is served, and a session that asks it."""

    session: aiohttp.ClientSession
    clock: MovableClock
    url: str
    told: list[str] = field(default_factory=list)
    """What its owner was shown."""

    def event(self, event_id: str, **fields: Any) -> dict[str, Any]:
        at = moment(self.clock.now_us()).isoformat()
        return {"event_id": event_id, "kind": "user_started", "at": at, "user_id": 7, **fields}

    def batch(self, *events: dict[str, Any], bot_id: int | str = 42, **fields: Any) -> dict[str, Any]:
        sent_at = moment(self.clock.now_us()).isoformat()
        return {"bot_id": bot_id, "sent_at": sent_at, "events": list(events), **fields}

    async def send(
        self,
        told: object,
        *,
        secret: str | None = SECRET,
        path: str = "collect",
        at_s: int | None = None,
        is_packed: bool = True,
        **headers: str,
    ) -> tuple[int, dict[str, Any]]:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        if is_packed and not isinstance(told, bytes):
            body = gzip.compress(body)
        signed = sign(keys_of(secret), "msg_1", at_s or self.clock.now_us() // 1_000_000, body)
        kind = "application/gzip" if is_packed else "application/json"
        sending = {"Content-Type": kind, **signed, **headers}
        async with self.session.post(f"/analytics/{path}", data=io.BytesIO(body), headers=sending) as answer:
            return answer.status, json.loads(await answer.read()) if answer.content_type == "application/json" else {}

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.session.get(path, headers=headers) as answer:
            return (
                answer.status,
                await answer.json() if answer.content_type == "application/json" else await answer.text(),
            )


@pytest.fixture
def centre_of(database_url: str, clock: MovableClock) -> Callable[..., AbstractAsyncContextManager[Served]]:
    """Serves a centre of the database, with one secret unless it is said otherwise."""

    @asynccontextmanager
    async def centre_of(*, webhook_secret: str | None = SECRET, **options: Any) -> AsyncIterator[Served]:
        told: list[str] = []
        given = {"database_url": database_url, "host": "127.0.0.1", "port": 0, "clock": clock, "tell": told.append}
        serving = serving_centre(webhook_secret=webhook_secret, **{**given, **options})
        async with serving as url, aiohttp.ClientSession(url) as session:
            yield Served(session, clock, url, told)

    return centre_of
