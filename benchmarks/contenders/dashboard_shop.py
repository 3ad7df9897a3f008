"""A shop for ``dashboard_beside_sales.py``: makes a link for each buyer, says where its dashboard is, and sells."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from traffic import PRICE_STARS, together

from neonpay import PaymentResult, PaymentStage, create_neonpay
from neonpay.web.running import run_dashboard


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

    @neonpay.on_payment
    async def deliver(_result: PaymentResult) -> None:
        """Nothing to hand over."""

    async with contextlib.AsyncExitStack() as stack:
        offers = await together(neonpay.create_payment_link("vip") for _ in range(arguments.buyers))
        url = None
        if arguments.where == "inside":
            url = await stack.enter_async_context(run_dashboard(neonpay, port=0))
        print(json.dumps({"links": [offer.link or "" for offer in offers], "url": url}), flush=True)
        await dispatcher.start_polling(bot, handle_as_tasks=True)
    await neonpay.close()
    await bot.session.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("token")
    parser.add_argument("database_url")
    parser.add_argument("where", choices=("none", "inside"))
    parser.add_argument("buyers", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
