"""The page of reconciliation: our books beside Telegram's, and what is between them by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.tables import payments, unexplained
from tests.integration.web.looked_at import PERIODS, heading, is_harmless, lively, page, statement, stocked, words

if TYPE_CHECKING:
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def shop(shop: Shop) -> Shop:
    return stocked(shop)


def days(text: str) -> list[list[str]]:
    body = text.partition('<table class="tee">')[2].partition("</table>")[0]
    heard = re.sub(r'<span class="sr">.*?</span>', "", body)
    return [
        [words(cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in heard.split("</tr>")[1:-1]
    ]


async def test_books_that_agree_are_proved_by_the_double_rule(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            before = await page(http, "/reconciliation")
            await shop.neonpay.books.reconcile(grace_s=0)
            after = await page(http, "/reconciliation")
            everything = await page(http, "/reconciliation?days=all")
    assert heading(before) == "The books have not been compared with Telegram yet."
    assert 'class="proved"' not in before
    assert heading(after) == "Ledger and Telegram agree to the Star."
    assert after.count('class="proved"') == 2
    today, *rest = days(after)
    assert today[1:] == ["125", "0", "125"]
    assert days(after)[-1][1:] == ["125", "0", "125"]
    assert "23 earlier days agree" in rest[6][0]
    assert len(days(everything)) == 31
    assert "Payments less refunds, with what moved beside sales, such as withdrawals" in words(after)
    lines = statement(after)
    assert (lines["Our books say"], lines["Held for 21 days"], lines["Can be withdrawn"]) == ("125", "125", "0")


async def test_a_payment_that_telegram_does_not_have_is_named_and_leads_to_itself(
    shop: Shop, served: Served, database_url: str
) -> None:
    def lose(transaction: Transaction) -> str:
        query = sa.select(payments.c.bot_id, payments.c.charge_id, payments.c.paid_at).where(
            payments.c.stage_id == "book"
        )
        bot_id, charge_id, found_at = transaction.connection.execute(query).one()
        transaction.connection.execute(
            sa.insert(unexplained).values(bot_id=bot_id, charge_id=charge_id, found_at=found_at)
        )
        return str(charge_id)

    async with shop.polling():
        await lively(shop)
        await shop.neonpay.books.reconcile(grace_s=0)
        ledger = open_ledger(database_url)
        charge_id = await ledger.run(lose)
        await ledger.close()
        async with served() as http:
            text = await page(http, "/reconciliation")
            overview = await page(http)
            for period in PERIODS:
                assert is_harmless(await page(http, f"/reconciliation?period={period}&days=all", language="ru"))
    assert heading(text) == "Telegram's list does not have 1 payment that we have."
    assert heading(overview) == f"{heading(text)} 1 payment needs you.".replace("Telegram's list", "Telegram")
    assert f"/payments/{shop.neonpay.program.adapter.bot_id}/{quote(charge_id, safe='')}" in text
    assert days(text)[0][1:] == ["125", f"{MINUS}75", "50"]
    assert '<tr class="off">' in text
    assert 'class="proved"' not in text
    assert 'class="sum open"' in overview


async def test_a_person_may_have_the_books_compared_now(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await lively(shop)
        async with served() as http:
            text = await page(http, "/reconciliation")
            found = re.search(r'name="form_token" value="([^"]+)"', text)
            assert found is not None
            refused = await http.post("/reconciliation", data={})
            done = await http.post("/reconciliation", data={"form_token": found[1]})
            told = await done.text()
    assert refused.status == 403
    assert (done.status, "Compared with Telegram." in told) == (200, True)
    assert heading(told).startswith("Ledger and Telegram agree")
