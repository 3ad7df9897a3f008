"""What reports ask is made once: whoever asks again at another time has the statements of before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neonpay.analytics import Period, Split
from neonpay.analytics.summing import summing
from neonpay.core.clock import moment
from tests.integration.web.looked_at import stocked

if TYPE_CHECKING:
    from tests.integration.conftest import Shop


async def test_a_report_that_is_asked_for_again_makes_no_statement(shop: Shop) -> None:
    stocked(shop)
    async with shop.polling():
        await shop.delivers(await shop.sells(await shop.visitor("Ann")))
        await shop.neonpay.books.seal()
        reports = shop.neonpay.reports
        await reports.refresh()
        assert shop.clock is not None
        made: list[int] = []
        for _ in range(3):
            shop.clock.advance(61)
            period = Period.named("30d", now=moment(shop.clock.now_us()))
            found = await reports.revenue(period, split=Split.STAGE, compare=True)
            await reports.statement(period, compare=True)
            await reports.revenue(period, split=Split.LANGUAGE)
            await reports.funnel(period)
            await reports.products(period)
            await reports.account(period)
            assert found.takings.gross_stars > 0
            made.append(summing.cache_info().misses)
        assert made[0] == made[1] == made[2]
