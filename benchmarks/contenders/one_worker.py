"""One of several processes that record payments in one PostgreSQL database: through neonpay, or as raw asyncpg transactions.

Prints ``ready``, waits for a line, and prints what it did as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import asyncpg
from aiogram import Dispatcher
from traffic import PRICE_STARS, Deliveries, charge_id, local_bot, paid_update, together

from neonpay import PaymentResult, PaymentStage, create_neonpay

_POOL = 8
"""Connections of one process, as many as neonpay's own pool has."""


async def main(arguments: argparse.Namespace) -> None:
    """Get ready, begin when told, and report."""
    users = range(arguments.first_user, arguments.first_user + arguments.payments)
    await (_neonpay if arguments.kind == "neonpay" else _raw)(arguments.url, users, arguments.in_flight)


async def _neonpay(url: str, users: range, in_flight: int) -> None:
    bot, dispatcher, goods = local_bot(), Dispatcher(), Deliveries()
    neonpay = create_neonpay(
        bot, dispatcher=dispatcher, database_url=url, enable_logging=False, messages_per_s=None, reconcile_every_s=None
    )
    neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=PRICE_STARS))

    @neonpay.on_payment
    async def deliver(_result: PaymentResult) -> None:
        goods.deliver()

    async with neonpay:
        offers = await together(neonpay.send_payment(user_id, "vip") for user_id in users)
        updates = [paid_update(user_id, offer.payload) for user_id, offer in zip(users, offers, strict=True)]

        async def take(update: dict[str, Any]) -> None:
            await dispatcher.feed_raw_update(bot, update)

        async def settled() -> None:
            await goods.reach(len(users))
            await neonpay.program.drain()

        await _measure(updates, take, settled, in_flight)


async def _raw(url: str, users: range, in_flight: int) -> None:
    pool = await asyncpg.create_pool(url.replace("+asyncpg", ""), min_size=_POOL, max_size=_POOL)

    async def take(user_id: int) -> None:
        charge, event = charge_id(user_id), f"event {user_id}"
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_PAYMENT, charge, user_id, PRICE_STARS, "payload " + "x" * 100)
            await connection.execute(_EVENT, event, charge, user_id, PRICE_STARS)
            await connection.execute(_JOURNAL, event, PRICE_STARS)
            await connection.execute(_JOB, event, charge)

    async def settled() -> None:
        pass

    async with pool:
        await _measure(list(users), take, settled, in_flight)


TABLES = (
    "CREATE TABLE raw_payments (charge_id text PRIMARY KEY, user_id bigint, amount bigint, payload text)",
    "CREATE TABLE raw_events (event_id text PRIMARY KEY, charge_id text, user_id bigint, amount bigint)",
    "CREATE TABLE raw_journal (event_id text, account text, amount bigint, PRIMARY KEY (event_id, account))",
    "CREATE TABLE raw_jobs (event_id text, consumer text, charge_id text, PRIMARY KEY (event_id, consumer))",
)
"""What a bare transaction writes to: a payment, an event, two journal rows and a job."""
_PAYMENT = "INSERT INTO raw_payments VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
_EVENT = "INSERT INTO raw_events VALUES ($1, $2, $3, $4)"
_JOURNAL = "INSERT INTO raw_journal VALUES ($1, 'stars', $2), ($1, 'revenue', -$2)"
_JOB = "INSERT INTO raw_jobs VALUES ($1, 'handler:deliver', $2)"


async def _measure(
    items: Iterable[Any], take: Callable[[Any], Awaitable[None]], settled: Callable[[], Awaitable[None]], in_flight: int
) -> None:
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began, cpu_s, waiting = time.perf_counter(), time.process_time(), iter(items)
    taken = itertools.count()

    async def host() -> None:
        for item in waiting:
            await take(item)
            next(taken)

    await asyncio.gather(*[host() for _ in range(in_flight)])
    await settled()
    wall_s = time.perf_counter() - began
    print(json.dumps({"payments": next(taken), "wall_s": wall_s, "cpu_s": time.process_time() - cpu_s}), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("neonpay", "raw"))
    parser.add_argument("url")
    parser.add_argument("first_user", type=int)
    parser.add_argument("payments", type=int)
    parser.add_argument("in_flight", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
