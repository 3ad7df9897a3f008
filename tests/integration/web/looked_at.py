"""What a reader sees of a page with figures."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from neonpay import PaymentStage

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from tests.integration.conftest import Shop

EVIL = "<script>alert(1)</script>\"'"
PERIODS = ("24h", "7d", "30d", "90d", "365d")


async def page(http: ClientSession, path: str = "/", *, language: str = "en") -> str:
    answer = await http.get(path, headers={"Accept-Language": language})
    text = await answer.text()
    assert answer.status == 200, text
    return text


def words(text: str) -> str:
    """What a reader sees of a page."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def heading(text: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", text)
    assert found is not None
    return unescape(found[1])


def statement(text: str) -> dict[str, str]:
    """The lines of the statements of a page."""
    rows = re.findall(r'<tr[^>]*><th scope="row">(.*?)</th><td>(.*?)</td></tr>', text)
    return {name: words(re.sub(r'<span class="sr">.*?</span>', "", value)).strip() for name, value in rows}


def cells(text: str, caption: str) -> list[list[str]]:
    """The rows of the table with this caption."""
    for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
        if f'<caption class="sr">{caption}</caption>' in table:
            body = table.partition("<tbody>")[2]
            return [
                [words(cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
                for row in body.split("</tr>")[:-1]
            ]
    raise AssertionError(f"no table is called {caption}")


def is_harmless(text: str) -> bool:
    """Whether nothing that others wrote has become markup, and no style stands in an attribute."""
    return "<script>alert" not in text and " style=" not in text


def stocked(shop: Shop) -> Shop:
    """A shop with a product that is delivered and one whose delivery fails; its clock tells what Telegram's tells."""
    # Figures are about a time that ends now, by the shop's clock; what Telegram dates later is not in it.
    assert shop.clock is not None
    shop.clock.advance(shop.telegram.clock.now() - shop.clock.now_us() / 1_000_000)
    shop.neonpay.create_payment_stage("book", PaymentStage(title=f"Book {EVIL}", description="Words", price=75))

    @shop.neonpay.on_payment(stage="vip", name="deliver")
    async def deliver() -> None:
        pass

    @shop.neonpay.on_payment(stage="book", name="print", max_attempts=1)
    async def fail() -> None:
        raise RuntimeError(f"no paper {EVIL}")

    return shop


async def lively(shop: Shop) -> None:
    """Two deliveries, one of which goes back, one that fails for the last time, and one declined checkout."""
    ann, ben = await shop.visitor("Ann"), await shop.visitor(f"Ben {EVIL}")
    kept = await shop.sells(ann)
    await shop.delivers(kept)
    back = await shop.sells(ben)
    await shop.delivers(back)
    await shop.neonpay.refund(back.charge_id or "")
    await shop.sells(ben, "book")
    await shop.fact("fulfilment_abandoned")

    @shop.neonpay.on_pre_checkout
    async def refuse() -> str:
        return "Sold out"

    await shop.sells(ann)
    await shop.neonpay.program.pipeline.people.write()
    assert shop.clock is not None
    shop.clock.advance(1)
