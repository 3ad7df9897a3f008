"""The page of exports downloads what the command writes; names are for operators, and each download is written down."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import sqlalchemy as sa

from neonpay.core.sheets import COLUMNS, Sheet
from neonpay.ledger.tables import people
from neonpay.ledger.tables_access import audit
from tests.integration.web.visiting import form_token, send

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import aiohttp

    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.web.conftest import Served

_PAGE = "/exports"


class Answer(NamedTuple):
    status: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


async def order(http: aiohttp.ClientSession, **fields: str) -> Answer:
    """What the form of these fields brings, read to its end."""
    answer = await send(http, _PAGE, **fields)
    return Answer(answer.status, answer.content_type, answer.headers, await answer.read())


async def sell(shop: Shop) -> str:
    shop.neonpay.on_payment(name="deliver")(lambda: None)
    outcome = await shop.sells(await shop.visitor("Ann"))
    await shop.delivers(outcome)
    return outcome.charge_id or ""


async def test_a_sheet_is_downloaded_as_the_command_writes_it(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        charge_id = await sell(shop)
        answer = await order(http, sheet="payments", format="csv", since="", until="")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        daily = await order(http, sheet="daily", format="jsonl")
        days = [json.loads(line) for line in daily.text.splitlines()]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="neonpay-payments.csv"'
    assert (answer.content_type, answer.headers["Cache-Control"]) == ("text/csv", "no-store")
    assert [row["charge_id"] for row in rows] == [charge_id]
    assert tuple(rows[0]) == COLUMNS[Sheet.PAYMENTS]
    assert sum(row["debit_stars"] - row["credit_stars"] for row in days) == 0


async def test_names_are_there_when_somebody_asks_who_may(
    shop: Shop, served: Served, query: Callable[..., Any], clock: MovableClock
) -> None:
    async with shop.polling():
        await sell(shop)
        while not await query(sa.select(people.c.user_id)):
            clock.advance(60)  # names are written by a task that comes round
        async with served() as http:
            plain = (await order(http, sheet="payments", format="csv")).text
            named = (await order(http, sheet="payments", format="csv", names="1")).text
        async with served(only_looks=True) as http:
            assert "for operators and owners" in await (await http.get(_PAGE)).text()
            assert (await order(http, sheet="payments", format="csv", names="1")).status == 403
            assert "Ann" not in (await order(http, sheet="payments", format="csv")).text
    assert "Ann" not in plain
    assert "Ann" in named


async def test_a_download_is_written_down_before_it_leaves(
    shop: Shop, served: Served, query: Callable[..., Any]
) -> None:
    async with shop.polling(), served() as http:
        await sell(shop)
        await order(http, sheet="refunds", format="jsonl", since="2026-01-01", until="2026-12-31", names="1")
    ((act, subject, detail),) = await query(
        sa.select(audit.c.act, audit.c.subject, audit.c.detail).where(audit.c.act == "export.download")
    )
    assert (act, subject) == ("export.download", "refunds")
    assert json.loads(detail) == {"format": "jsonl", "names": True, "since": "2026-01-01", "until": "2026-12-31"}


async def test_days_are_included_at_both_ends(shop: Shop, served: Served, query: Callable[..., Any]) -> None:
    async with shop.polling(), served() as http:
        charge_id = await sell(shop)
        text = (await order(http, sheet="payments", format="jsonl")).text
        day = json.loads(text)["paid_at"][:10]
        same = await order(http, sheet="payments", format="jsonl", since=day, until=day)
        found = same.text
        before = (await order(http, sheet="payments", format="jsonl", until="2020-01-01")).text
    assert json.loads(found)["charge_id"] == charge_id
    assert same.headers["Content-Disposition"] == f'attachment; filename="neonpay-payments-{day}-{day}.jsonl"'
    assert before == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"sheet": "keys", "format": "csv"},
        {"sheet": "payments", "format": "exe"},
        {"sheet": "payments", "format": "csv", "since": "2026-02-30"},
        {"sheet": "payments", "format": "csv", "since": '2026-01-01"\r\nX-Evil: 1'},
        {"sheet": "payments", "format": "csv", "since": "2026-02-02", "until": "2026-02-01"},
        {"sheet": "payments", "format": "csv", "until": "9999-12-31"},
        {},
    ],
)
async def test_what_is_no_order_makes_no_file(shop: Shop, served: Served, fields: dict[str, str]) -> None:
    async with shop.polling(), served() as http:
        answer = await order(http, **fields)
        text = answer.text
    assert (answer.status, answer.content_type, "X-Evil" in answer.headers) == (400, "text/html", False)
    assert "Nothing was made" in text


async def test_a_form_of_another_place_downloads_nothing(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        await form_token(http, _PAGE)
        async with http.post(_PAGE, data={"sheet": "payments", "format": "csv", "form_token": "0" * 64}) as answer:
            await answer.read()
    assert answer.status == 403


async def test_a_reader_who_leaves_keeps_nobody_from_the_next_export(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        await sell(shop)
        token = await form_token(http, _PAGE)
        fields = {"sheet": "journal", "format": "csv", "form_token": token}
        answers = await asyncio.gather(*[http.post(_PAGE, data=fields) for _ in range(3)])
        assert {answer.status for answer in answers} <= {200, 503}
        for answer in answers:
            answer.close()
        assert (await order(http, sheet="journal", format="csv")).status == 200


async def test_parquet_is_downloaded_where_it_can_be_made(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        await sell(shop)
        body = (await order(http, sheet="payments", format="parquet")).body
    assert body[:4] == body[-4:] == b"PAR1"


async def test_the_page_speaks_both_languages(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        english = await (await http.get(_PAGE, headers={"Accept-Language": "en"})).text()
        russian = await (await http.get(_PAGE, headers={"Accept-Language": "ru"})).text()
    assert "<h1>The books can be taken out, whole or by day.</h1>" in english
    assert "<h1>Книги можно выгрузить целиком или по дням.</h1>" in russian
