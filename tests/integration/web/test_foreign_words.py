"""Nothing that others have written becomes markup, on whichever page it is shown."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables import events, jobs, notes, payments, people, refund_requests, refunds
from neonpay.ledger.tables_access import audit
from tests.integration.web.looked_at import lively, stocked
from tests.integration.web.visiting import send

if TYPE_CHECKING:
    from neonpay.ledger import Transaction
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

EVIL = "\"'></title></script></td><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}javascript:alert(1)\u202e"
FOREIGN = {
    people: ("first_name", "username"),
    payments: ("payload",),
    refunds: ("reason", "error", "requested_by"),
    refund_requests: ("words", "answer", "decided_by"),
    notes: ("words", "written_by"),
    jobs: ("error",),
    audit: ("who",),
}
"""What a buyer, Telegram, a handler or a colleague has written, by table."""
PAGES = (
    "/", "/revenue?split=stage", "/revenue?split=language", "/payments", "/payments?tab=need-you", "/payments?tab=declined",
    "/subscriptions", "/customers", "/customers?order=most", "/refunds", "/reconciliation", "/products", "/funnel", "/bots",
    "/live", "/exports", "/settings", "/audit",
)  # fmt: skip


class Markup(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self._is_in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._is_in_script = tag == "script"
        if tag in {"img", "iframe", "style", "object", "base"}:
            self.wrong.append(f"<{tag}>")
        if tag == "script" and not (given.get("src") or "").startswith("/_/"):
            self.wrong.append("a script that is no file of ours")
        self.wrong += [name for name in given if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action"):
            where = given.get(name)
            if where is not None and not where.startswith(("/", "#", "?")):
                self.wrong.append(f"{name}={where}")

    def handle_data(self, data: str) -> None:
        if self._is_in_script and data.strip():
            self.wrong.append(f"code: {data}")

    def handle_endtag(self, tag: str) -> None:
        self._is_in_script = False


def spoil(transaction: Transaction) -> None:
    """Make everything that comes from outside as bad as it can be."""
    for table, names in FOREIGN.items():
        transaction.connection.execute(sa.update(table).values(dict.fromkeys(names, EVIL)))
    transaction.connection.execute(sa.update(events).where(events.c.reason.is_not(None)).values(reason=EVIL))


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the engine."""
    return sqlite_url


async def test_what_others_have_written_is_words_on_every_page(shop: Shop, served: Served) -> None:
    stocked(shop)
    async with shop.polling(), served() as http:
        carl = await shop.visitor(EVIL[:60])
        sold = await shop.sells(carl)
        await shop.delivers(sold)
        await lively(shop)
        await shop.neonpay.refunds.request(sold.charge_id, user_id=carl.id, words=EVIL)
        await shop.neonpay.program.pipeline.people.write()
        whole = f"/payments/{shop.neonpay.program.adapter.bot_id}/{quote(sold.charge_id or '')}"
        person = f"/customers/{shop.neonpay.program.adapter.bot_id}/{carl.id}"
        assert (await send(http, f"{whole}/note", whole, words=EVIL, id="0" * 32)).status == 303
        assert (await send(http, f"{person}/block", person, lasting="day", reason=EVIL)).status == 303
        await shop.neonpay.program.pipeline.ledger.run(spoil)
        listed = await (await http.get("/payments")).text() + await (await http.get("/refunds")).text()
        details = set(re.findall(r'href="(/(?:payments|customers|refunds)/\d+/[^"?]+)', listed))
        assert len(details) >= 5
        shown = 0
        for path in (*PAGES, *sorted(details), f"/payments?q={quote(EVIL)}", f"/customers?q={quote(EVIL)}"):
            for language in ("en", "ru"):
                answer = await http.get(path, headers={"Accept-Language": language})
                text = await answer.text()
                assert answer.status == 200, path
                markup = Markup()
                markup.feed(text)
                markup.close()
                assert markup.wrong == [], path
                assert "49javascript" not in text, path
                shown += "&lt;img src=x onerror" in text
        assert shown > 20
