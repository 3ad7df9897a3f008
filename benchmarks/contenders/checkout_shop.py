"""A shop for ``checkout_burst.py``: makes a link for each buyer, prints them, and takes updates until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import LabeledPrice, PreCheckoutQuery
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web
from traffic import PRICE_STARS, together

from neonpay import NeonPayCore, PaymentResult, PaymentStage, create_neonpay


async def main(arguments: argparse.Namespace) -> None:
    """Sell."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(arguments.base_url))
    bot, dispatcher = Bot(arguments.token, session=session), Dispatcher()
    sell = _with_nothing if arguments.database_url == "bare" else _with_neonpay
    links, neonpay = await sell(bot, dispatcher, arguments)
    if arguments.updates == "webhook":
        await _serve(bot, dispatcher, links)
    else:
        print(json.dumps({"links": links, "url": None}), flush=True)
        await dispatcher.start_polling(bot, handle_as_tasks=arguments.updates == "polling")
    if neonpay is not None:
        await neonpay.close()
    await bot.session.close()


async def _with_neonpay(
    bot: Bot, dispatcher: Dispatcher, arguments: argparse.Namespace
) -> tuple[list[str], NeonPayCore]:
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

    offers = await together(neonpay.create_payment_link("vip") for _ in range(arguments.buyers))
    return [offer.link or "" for offer in offers], neonpay


async def _with_nothing(bot: Bot, dispatcher: Dispatcher, arguments: argparse.Namespace) -> tuple[list[str], None]:
    """Let everybody through: what aiogram alone can do on this machine in the time."""

    @dispatcher.pre_checkout_query()
    async def approve(query: PreCheckoutQuery) -> None:
        with contextlib.suppress(TelegramBadRequest):  # it came too late, which is what is counted
            await query.answer(ok=True)

    prices = [LabeledPrice(label="VIP", amount=PRICE_STARS)]
    links = await together(
        bot.create_invoice_link(title="VIP", description="A month", payload="vip", currency="XTR", prices=prices)
        for _ in range(arguments.buyers)
    )
    return links, None


async def _serve(bot: Bot, dispatcher: Dispatcher, links: list[str]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, handle_in_background=False).register(app, path="/hook")
    setup_application(app, dispatcher, bot=bot)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    print(json.dumps({"links": links, "url": url}), flush=True)
    await stop.wait()
    await runner.cleanup()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("token")
    parser.add_argument("database_url")
    parser.add_argument("updates", choices=("polling", "polling-in-turn", "webhook"))
    parser.add_argument("buyers", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
