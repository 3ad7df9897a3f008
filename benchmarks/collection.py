"""What a centre takes: events a second over HTTP, bytes on disk for each, and how long its answers take then.

python benchmarks/collection.py --bots 100 --events 1000000 --database postgresql

With ``--already`` a centre on PostgreSQL has so many events from before, of the ``--days`` up to now: the same kinds of the
same bots, written by one statement and not sent. 50,000,000 of them take half an hour and 20 GB.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import aiohttp
import sqlalchemy as sa
import uuid_utils

from neonpay.collection.serving import serving_centre
from neonpay.core.clock import SystemClock, moment
from neonpay.core.webhook_signing import keys_of, new_secret, sign
from neonpay.ledger import Transaction, open_ledger
from neonpay.testing.postgres import throwaway_postgres

_SECRET = new_secret(lambda count: b"b" * count)
_KINDS = ("user_message",) * 12 + ("user_callback",) * 5 + ("product_view",) * 2 + ("payment_completed",)
_DAY_US = 24 * 3600 * 1_000_000
_AT_ONCE = 200_000
_ALREADY = """INSERT INTO neonpay_soft_events (bot_id, event_id, kind, at, user_id, subject, stars, data)
SELECT CAST(:first_bot AS bigint) + n % CAST(:bots AS bigint), lpad(to_hex(n), 16, '0') || left(md5(n::text), 16), kind,
CAST(:from_us AS bigint) + n * CAST(:step_us AS bigint), 10000000 + (random() * 5000)::bigint,
CASE WHEN kind IN ('product_view', 'payment_completed') THEN 'stage_' || (random() * 20)::int END,
CASE WHEN kind = 'payment_completed' THEN 100 END, '{}'
FROM (SELECT n, CASE WHEN r < 0.6 THEN 'user_message' WHEN r < 0.85 THEN 'user_callback' WHEN r < 0.95 THEN 'product_view'
ELSE 'payment_completed' END AS kind FROM (SELECT n, random() AS r
FROM generate_series(CAST(:start AS bigint), CAST(:end AS bigint)) AS n) AS each) AS made"""
_PEOPLE = 5_000
_FIRST_BOT = 700_000_000


def main() -> None:
    """Fill a centre and print what it took."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--bots", type=int, default=100)
    asked.add_argument("--events", type=int, default=200_000)
    asked.add_argument("--batch", type=int, default=500)
    asked.add_argument("--in-flight", type=int, default=8)
    asked.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    asked.add_argument("--already", type=int, default=0, help="events that the centre has from before")
    asked.add_argument("--days", type=int, default=180, help="over how many days those are spread")
    asked.add_argument("--url", help="of an empty database, instead of one that is thrown away")
    options = asked.parse_args()
    if options.url:
        asyncio.run(_fill(options, options.url))
        return
    with _database(options.database) as url:
        asyncio.run(_fill(options, url))


@contextmanager
def _database(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'centre.db'}"
        return
    with throwaway_postgres() as server:
        yield server.create_database()


async def _fill(options: argparse.Namespace, url: str) -> None:
    sent = packed = 0
    batches = _batches(options)
    serving = serving_centre(
        host="127.0.0.1", port=0, webhook_secret=_SECRET, database_url=url, tell=lambda _: None, token="reader"
    )
    async with serving as address, aiohttp.ClientSession(address) as session:
        await _had(options, url)

        async def send() -> None:
            nonlocal sent, packed
            for count, body in batches:
                kept = await _post(session, body)
                assert kept == count, f"{kept} of {count} events were new"
                sent += count
                packed += len(body)

        began_s = perf_counter()
        await asyncio.gather(*[send() for _ in range(options.in_flight)])
        took_s = perf_counter() - began_s
        print(f"{sent:,} events of {options.bots} bots in {took_s:.1f} s: {sent / took_s:,.0f} a second")
        on_disk = await _disk_bytes(url)
        print(f"on the wire {packed / sent:.0f} bytes an event, on disk {on_disk / (sent + options.already):.0f}")
        for path in ("query?days=1", "query?days=30", "export?days=30", "status"):
            began_s = perf_counter()
            async with session.get(f"/analytics/{path}", headers={"Authorization": "Bearer reader"}) as answer:
                await answer.read()
                print(f"GET /analytics/{path}: {answer.status} in {perf_counter() - began_s:.2f} s")


async def _had(options: argparse.Namespace, url: str) -> None:
    """Give the centre its events from before."""
    if not options.already:
        return
    span_us = options.days * _DAY_US
    fixed = {
        "first_bot": _FIRST_BOT,
        "bots": options.bots,
        "from_us": SystemClock().now_us() - span_us,
        "step_us": span_us // options.already,
    }
    ledger = open_ledger(url, as_it_is=True)
    began_s = perf_counter()
    try:
        for start in range(0, options.already, _AT_ONCE):
            values = {**fixed, "start": start, "end": min(start + _AT_ONCE, options.already) - 1}
            await ledger.run(
                lambda transaction, given: transaction.connection.execute(sa.text(_ALREADY), given), values
            )
    finally:
        await ledger.close()
    print(f"{options.already:,} events from before, written by SQL in {perf_counter() - began_s:.0f} s")


async def _post(session: aiohttp.ClientSession, body: bytes) -> int:
    while True:
        signed = sign(keys_of(_SECRET), "msg_benchmark", SystemClock().now_us() // 1_000_000, body)
        headers = {"Content-Type": "application/gzip", **signed}
        async with session.post("/analytics/collect", data=body, headers=headers) as answer:
            told = await answer.json()
            if answer.ok:
                return int(told["new"])
            await asyncio.sleep(float(answer.headers["Retry-After"]))  # KeyError: it was refused for good


def _batches(options: argparse.Namespace) -> Iterator[tuple[int, bytes]]:
    """Batches of the bots in turn, of the last 30 days."""
    chance = random.Random(7)
    now_us = SystemClock().now_us()
    for number in range(options.events // options.batch):
        bot_id = _FIRST_BOT + number % options.bots
        events = [_event(chance, now_us) for _ in range(options.batch)]
        batch = {"bot_id": bot_id, "bot_name": f"Bot {bot_id}", "sent_at": moment(now_us).isoformat(), "events": events}
        yield options.batch, gzip.compress(json.dumps(batch).encode(), compresslevel=6)


def _event(chance: random.Random, now_us: int) -> dict[str, object]:
    kind = chance.choice(_KINDS)
    event: dict[str, object] = {
        "event_id": uuid_utils.uuid7().hex,
        "kind": kind,
        "at": moment(now_us - chance.randrange(30 * _DAY_US)).isoformat(),
        "user_id": 10_000_000 + chance.randrange(_PEOPLE),
    }
    if kind in {"product_view", "payment_completed"}:
        event["subject"] = f"stage_{chance.randrange(20)}"
    if kind == "payment_completed":
        event["stars"] = chance.choice((50, 100, 250))
    return event


async def _disk_bytes(url: str) -> int:
    ledger = open_ledger(url, as_it_is=True)
    try:
        return await ledger.report(600.0, _bytes)
    finally:
        await ledger.close()


def _bytes(transaction: Transaction) -> int:
    """Of the events with their indexes."""
    connection = transaction.connection
    if connection.dialect.name == "postgresql":
        size = sa.text("SELECT pg_total_relation_size('neonpay_soft_events')")
        return int(connection.execute(size).scalar_one())
    pages = connection.execute(sa.text("PRAGMA page_count")).scalar_one()
    return int(pages) * int(connection.execute(sa.text("PRAGMA page_size")).scalar_one())


if __name__ == "__main__":
    main()
