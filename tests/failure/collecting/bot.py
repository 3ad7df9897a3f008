"""A bot that tells its collector what happens: ``python bot.py NAME COUNT URL SECRET DATABASE_URL [killed]``.

Every fifth event is a payment, and every seventh is told twice. It ends when the centre has everything; with ``killed`` it
kills itself after the centre has kept a batch, and before it has heard of that.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from neonpay import CentralEventCollector, EventCollectorConfig


async def main(name: str, count: int, url: str, secret: str, database_url: str, *, is_killed: bool) -> None:
    config = EventCollectorConfig(
        url, collection_interval_seconds=0.05, batch_size=40, retry_delay=0.05, max_retries=1, secret=secret
    )
    collector = CentralEventCollector(config, database_url=database_url)
    collector.add_bot(name, name.title())
    if is_killed:
        deliver = collector._courier.deliver  # noqa: SLF001  # where a batch is kept and this program has not heard of it

        async def die_after(*args: object) -> None:
            await deliver(*args)  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGKILL)

        collector._courier.deliver = die_after  # type: ignore[method-assign, assignment]  # noqa: SLF001
    await collector.start_collection()
    for number in range(count):
        is_paid = number % 5 == 0
        event = {
            "event_type": "payment_completed" if is_paid else "product_view",
            "event_id": f"{name}-{number}",
            "bot_id": name,
            "user_id": number % 50,
            "amount": number if is_paid else None,
        }
        for _ in range(2 if number % 7 == 0 else 1):
            await collector.tell(event)
    sys.stdout.write("told\n")
    sys.stdout.flush()
    while not all((await collector.collect_now()).values()):  # noqa: ASYNC110  # the centre is another program
        await asyncio.sleep(0.05)
    await collector.stop_collection()


if __name__ == "__main__":
    _, name, count, url, secret, database_url, *rest = sys.argv
    asyncio.run(main(name, int(count), url, secret, database_url, is_killed=rest == ["killed"]))
