"""Ten thousand hours of sales, renewals and refunds: a chart has as many marks as can be told apart, and leaves nothing out."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables import payments, refunds
from neonpay.web.charts import MARKS_MAX
from tests.integration.web.looked_at import PERIODS, page, words

if TYPE_CHECKING:
    from neonpay.ledger import Transaction
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

HOURS = 10_000
HOUR_US = 3_600_000_000
BYS = ("hour", "day", "week", "month")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the engine."""
    return sqlite_url


def sell(transaction: Transaction, bot_id: int, now_us: int) -> None:
    common = {
        "bot_id": bot_id, "currency": "XTR", "stage_id": "vip", "number": 1, "payload": "", "source": "update",
        "is_first_recurring": 0, "is_listed": 1,
    }  # fmt: skip
    paid, back = [], []
    for place in range(HOURS * 3):
        at, kind = now_us - place // 3 * HOUR_US - 1, place % 3
        charge_id, user_id = f"charge{place:06}", 1000 + place % 1000
        one = {
            "charge_id": charge_id, "event_id": f"{place:032x}", "user_id": user_id, "amount_stars": (50, 20, 10)[kind],
            "state": "refunded" if kind == 2 else "accepted", "is_recurring": int(kind == 1), "paid_at": at, "recorded_at": at,
            "stage_id": f"stage{place % 7}",
        }  # fmt: skip
        paid.append(common | one)
        if kind == 2:
            back.append(
                {
                    "bot_id": bot_id,
                    "charge_id": charge_id,
                    "user_id": user_id,
                    "amount_stars": 10,
                    "state": "refunded",
                    "source": "call",
                    "requested_at": at,
                    "finished_at": at,
                }
            )
    transaction.connection.execute(sa.insert(payments), paid)
    transaction.connection.execute(sa.insert(refunds), back)


def plots(text: str) -> list[str]:
    return re.findall(r'<svg class="plot.*?</svg></svg>|<svg class="plot.*?</figure>', text, re.DOTALL)


def marks(plot: str) -> int:
    """Bars, lines and dots that are drawn; the grid and what is pointed at are none."""
    return len(re.findall(r'class="(?:mark|line|dot)\b', plot))


def net_of_buckets(text: str) -> int:
    """What the readings of all buckets of the first chart add up to."""
    return sum(int(f"{sign}{figure}".replace(",", "").replace("\N{MINUS SIGN}", "-")) for sign, figure in re.findall(
        r'data-sign="([^"]*)" data-figure="([^"]*)"', text))  # fmt: skip


async def test_no_chart_of_a_long_history_has_more_marks_than_can_be_told_apart(shop: Shop, served: Served) -> None:
    assert shop.clock is not None
    await shop.neonpay.setup()
    await shop.neonpay.program.pipeline.ledger.run(sell, shop.neonpay.program.adapter.bot_id, shop.clock.now_us())
    many: dict[str, int] = {}
    async with served() as http:
        for period, by, split in [*product(PERIODS, BYS, [""]), *product(PERIODS, ["hour"], ["stage"])]:
            path = f"/revenue?period={period}&by={by}&split={split}"
            text = await page(http, path)
            (net,) = re.findall(r'<tr class="sum"><th scope="row">Net</th><td>.*?([\d,]+)<span', text)
            assert net_of_buckets(text) == int(net.replace(",", "")), path  # nothing is left out
            many[path] = max(map(marks, plots(text)))
            is_coarser = f"Net revenue by {by}" not in words(text)
            assert is_coarser == ("finer bars could not be told apart" in words(text)), path
        for path in ("/", "/?period=365d", "/subscriptions", "/subscriptions?period=365d", "/funnel"):
            many[path] = max(map(marks, plots(await page(http, path))), default=0)
    assert {path: count for path, count in many.items() if count > MARKS_MAX} == {}
    assert max(many.values()) > MARKS_MAX / 4
