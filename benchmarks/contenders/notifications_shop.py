"""A shop for ``notifications_beside_sales.py``: queues so many messages, makes a link for each buyer, and sells."""

from __future__ import annotations

import argparse
import asyncio
import json

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from traffic import PRICE_STARS, together

from neonpay import (
    NotificationManager,
    NotificationMessage,
    NotificationType,
    PaymentResult,
    PaymentStage,
    create_neonpay,
)

_AT_ONCE = 100


async def main(arguments: argparse.Namespace) -> None:
    """Sell."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(arguments.base_url))
    bot, dispatcher = Bot(arguments.token, session=session), Dispatcher()
    neonpay = create_neonpay(
        bot,
        dispatcher=dispatcher,
        database_url=arguments.database_url,
        enable_logging=False,
        messages_per_s=None,
        reconcile_every_s=None,
    )
    neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=PRICE_STARS))
    manager = NotificationManager(neonpay=neonpay) if arguments.messages else None

    @neonpay.on_payment
    async def deliver(_result: PaymentResult) -> None:
        """Nothing to hand over."""

    offers = await together(neonpay.create_payment_link("vip") for _ in range(arguments.buyers))
    if manager is not None:
        # To as many receivers as go out side by side.
        messages = [
            NotificationMessage(NotificationType.WEBHOOK, f"{arguments.hook}/{number % 16}", body=f"message {number}")
            for number in range(arguments.messages)
        ]
        for start in range(0, len(messages), _AT_ONCE):
            await manager.send_multiple_notifications(messages[start : start + _AT_ONCE])
    print(json.dumps({"links": [offer.link or "" for offer in offers]}), flush=True)
    await dispatcher.start_polling(bot, handle_as_tasks=True)
    await neonpay.close()
    await bot.session.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("token")
    parser.add_argument("database_url")
    parser.add_argument("buyers", type=int)
    parser.add_argument("messages", type=int)
    parser.add_argument("hook")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
