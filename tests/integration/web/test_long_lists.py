"""A list is as long as it likes: a page of it has fifty rows, and whoever reads it slowly stands in nobody's way."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables import payments
from neonpay.web.paging import PAGE_ROWS

if TYPE_CHECKING:
    from neonpay.ledger import Transaction
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

ROWS = 10_000
MOST_BYTES = 200_000
LISTS = (
    "/payments",
    "/payments?order=oldest",
    "/payments?q=1001",
    "/customers",
    "/customers?order=most",
    "/refunds",
    "/live",
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the engine."""
    return sqlite_url


def sell(transaction: Transaction, bot_id: int, now_us: int) -> None:
    """Ten thousand payments of a thousand people, a second apart."""
    common = {
        "bot_id": bot_id, "amount_stars": 50, "currency": "XTR", "state": "accepted", "stage_id": "vip", "number": 1,
        "payload": "", "source": "update", "is_recurring": 0, "is_first_recurring": 0, "is_listed": 1,
    }  # fmt: skip
    rows = [
        {
            **common,
            "charge_id": f"charge{place:06}",
            "event_id": f"{place:032x}",
            "user_id": 1000 + place % 1000,
            "paid_at": now_us - place * 1_000_000,
            "recorded_at": now_us - place * 1_000_000,
        }
        for place in range(ROWS)
    ]
    transaction.connection.execute(sa.insert(payments), rows)


async def test_a_page_of_a_long_list_is_short_and_a_slow_reader_delays_nobody(shop: Shop, served: Served) -> None:
    assert shop.clock is not None
    await shop.neonpay.setup()
    await shop.neonpay.program.pipeline.ledger.run(sell, shop.neonpay.program.adapter.bot_id, shop.clock.now_us())
    async with served() as http:
        base = (await http.get("/payments?days=all")).url
        with socket.create_connection((base.host or "", base.port or 0)) as slow:
            slow.sendall(f"GET /payments?days=all HTTP/1.1\r\nHost: {base.host}:{base.port}\r\n\r\n".encode())
            for path in LISTS:
                answer = await http.get(path)
                text = await answer.text()
                assert answer.status == 200, path
                assert len(text) < MOST_BYTES, path
                assert text.partition("<tbody>")[2].partition("</tbody>")[0].count("<tr") <= PAGE_ROWS
        seen: set[str] = set()
        path = "/payments?period=365d"
        for _ in range(4):
            text = await (await http.get(path)).text()
            rows = set(re.findall(r'href="(/payments/\d+/charge\d+)', text))
            assert len(rows) == PAGE_ROWS
            assert not rows & seen
            seen |= rows
            following = re.search(r'rel="next" href="([^"]+)"', text)
            assert following is not None
            path = following[1].replace("&amp;", "&")
