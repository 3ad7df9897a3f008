"""neonpay as it is in this tree: verified, recorded, delivered, and the delivery recorded, on SQLite.

A payment counts as delivered when the ledger says that its handler is done, not when the handler has returned.
"""

from __future__ import annotations

import asyncio

from aiogram import Dispatcher
from traffic import PRICE_STARS, Deliveries, Task, charge_id, local_bot, measure, report, together

from neonpay import PaymentResult, PaymentStage, create_neonpay


async def main(task: Task) -> None:
    """Sell one stage to every buyer."""
    bot, dispatcher, goods = local_bot(), Dispatcher(), Deliveries()
    neonpay = create_neonpay(
        bot,
        dispatcher=dispatcher,
        database_url=f"sqlite:///{task.folder}/shop.db",
        enable_logging=False,
        messages_per_s=None,  # thousands of invoices are made first, which is not what is measured
        reconcile_every_s=None,  # there is no list of transactions to compare with
    )
    neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=PRICE_STARS))

    @neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        goods.deliver()

    async def settled(count: int) -> None:
        await goods.reach(count)
        await neonpay.program.drain()

    async with neonpay:
        offers = await together(neonpay.send_payment(user_id, "vip") for user_id in task.buyers)
        times = await measure(task, bot, dispatcher, [offer.payload for offer in offers], settled)
        jobs = await together(neonpay.jobs.of(charge_id(user_id)) for user_id in task.buyers)
        report(task, times, delivered=sum([job.state for job in done] == ["done"] for done in jobs))


asyncio.run(main(Task.from_command_line()))
