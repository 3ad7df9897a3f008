"""aiogram-stars on SQLite, set up as its documentation says: SQLAlchemy's asynchronous engine over aiosqlite."""

from __future__ import annotations

import asyncio

from aiogram import Dispatcher
from aiogram_stars import Payment, PaymentStatus, StarsPayments
from aiogram_stars.sqlalchemy import SqlAlchemyStorage
from sqlalchemy.ext.asyncio import create_async_engine
from traffic import PRICE_STARS, Deliveries, Task, at_once, charge_id, local_bot, measure, report


async def main(task: Task) -> None:
    """Sell one order to every buyer."""
    bot, dispatcher, goods = local_bot(), Dispatcher(), Deliveries()
    engine = create_async_engine(f"sqlite+aiosqlite:///{task.folder}/shop.db")
    storage = SqlAlchemyStorage(engine)
    await storage.create_tables()

    async def on_paid(_payment: Payment) -> None:
        goods.deliver()

    stars = StarsPayments(storage, secret="benchmark-" + "s" * 32, on_paid=on_paid)
    stars.setup(dispatcher)
    await dispatcher.emit_startup(bot=bot)
    payloads = [stars.make_payload(user_id, PRICE_STARS) for user_id in task.buyers]
    times = await measure(task, bot, dispatcher, payloads, at_once)
    payments = [await stars.get_payment(charge_id(user_id)) for user_id in task.buyers]
    report(
        task,
        times,
        delivered=sum(paid is not None and paid.status is PaymentStatus.ACCEPTED for paid in payments),
    )
    await dispatcher.emit_shutdown(bot=bot)
    await engine.dispose()


asyncio.run(main(Task.from_command_line()))
