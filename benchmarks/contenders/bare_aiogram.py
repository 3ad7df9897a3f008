"""aiogram alone, with a plain handler: nothing is verified, nothing is written, a repeated update delivers again."""

from __future__ import annotations

import asyncio

from aiogram import Dispatcher, F
from aiogram.types import Message
from traffic import Deliveries, Task, at_once, local_bot, measure, report


async def main(task: Task) -> None:
    """Deliver every paid update."""
    bot, dispatcher, goods = local_bot(), Dispatcher(), Deliveries()

    @dispatcher.message(F.successful_payment)
    async def deliver(_message: Message) -> None:
        goods.deliver()

    times = await measure(task, bot, dispatcher, ["order"] * len(task.buyers), at_once)
    report(task, times, delivered=goods.count)


asyncio.run(main(Task.from_command_line()))
