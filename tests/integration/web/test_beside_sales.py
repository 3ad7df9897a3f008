"""Pages in the process of a bot: whoever sells waits for none of them, and they for nobody who sells."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from neonpay.web import create_dashboard_app, serving
from tests.integration.web.visiting import browser

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.ledger import Transaction
    from tests.integration.conftest import Shop

PAGES = (
    "/",
    "/revenue",
    "/payments",
    "/subscriptions",
    "/refunds",
    "/reconciliation",
    "/products",
    "/customers?order=most",
)


async def test_a_page_takes_no_connection_that_sells(open_shop: Callable[..., Shop], sqlite_url: str) -> None:
    shop = open_shop(database_url=sqlite_url)
    async with (
        shop.polling(),
        serving(create_dashboard_app(shop.neonpay, patience_s=60.0), port=0) as url,
        browser(url) as http,
    ):
        await shop.sells(await shop.visitor("Ann"))
        free, taken = threading.Event(), [threading.Event() for _ in range(4)]

        def hold(transaction: Transaction, mine: threading.Event) -> None:
            mine.set()
            free.wait()

        ledger = shop.neonpay.program.pipeline.ledger
        selling = [asyncio.ensure_future(ledger.read(hold, mine)) for mine in taken]
        try:
            for mine in taken:
                await asyncio.to_thread(mine.wait)
            assert {path: (await http.get(path)).status for path in PAGES} == dict.fromkeys(PAGES, 200)
        finally:
            free.set()
            await asyncio.gather(*selling)
