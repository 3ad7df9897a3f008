"""neonpay 2.6.0, the package that this one replaces: payments are kept nowhere, so delivered means that the handler ran."""

from __future__ import annotations

import asyncio
import json

from aiogram import Dispatcher
from traffic import PRICE_STARS, Deliveries, Task, at_once, local_bot, measure, report

from neonpay import PaymentResult, PaymentStage, create_neonpay


async def main(task: Task) -> None:
    """Sell one stage to every buyer."""
    bot, dispatcher, goods = local_bot(), Dispatcher(), Deliveries()
    neonpay = create_neonpay(bot, dispatcher=dispatcher, enable_logging=False)
    neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=PRICE_STARS))

    async def deliver(_result: PaymentResult) -> None:
        goods.deliver()

    neonpay.on_payment(deliver)
    await neonpay.setup()
    payloads = [json.dumps({"user_id": user_id, "amount": PRICE_STARS}) for user_id in task.buyers]
    times = await measure(task, bot, dispatcher, payloads, at_once)
    report(task, times, delivered=goods.count)


asyncio.run(main(Task.from_command_line()))
