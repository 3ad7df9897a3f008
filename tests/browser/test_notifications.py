"""The page of notifications in a browser: nothing that axe finds, nothing wider than the window, and a press sends again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from playwright.async_api import expect

from neonpay.core.clock import moment
from neonpay.notifications import NotificationType, queue
from neonpay.notifications.endpoints import EndpointBook
from neonpay.notifications.note import Note, note_id
from neonpay.notifications.queue import Queued
from neonpay.web import create_dashboard_app, serving
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_accessibility import violations
from tests.browser.test_lookups import photograph

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from neonpay.ledger import Transaction
    from tests.browser.shop import Shop

NOW_US = 1_790_000_000_000_000
TOLD = (
    (
        "payment_needs_attention",
        NotificationType.SLACK,
        "https://hooks.slack.com/services/T0SECRET",
        "answered 404: no_service",
    ),
    ("payment_completed", NotificationType.TELEGRAM, "123456789", None),
    ("balance_drifted", NotificationType.EMAIL, "the.owner.of.this.shop@a-long-domain.example.com", None),
    ("payment_delivered", NotificationType.WEBHOOK, "", "answered 503"),
)


def _told(transaction: Transaction, bot_id: int, endpoint_id: str) -> None:
    for number, (kind, channel, to, error) in enumerate(TOLD):
        at_us = NOW_US + number * 61_000_000
        note = Note(
            note_id=note_id(kind),
            channel=channel,
            recipient=to or endpoint_id,
            subject="A payment waits for your decision" if to else "",
            body="-",
            kind=kind,
            at=moment(at_us),
        )
        one = Queued(note=note, due_at_us=at_us)
        queue.put(transaction, bot_id, [one])
        if channel is not NotificationType.EMAIL:
            queue.note_attempt(transaction, bot_id, [one], at_us=at_us, took_us=40_000, error=error)
            queue.end(transaction, bot_id, [one], state=queue.DEAD if error else queue.SENT, at_us=at_us, error=error)


async def test_the_page_is_read_in_every_window_and_sends_again(browser: Browser, shop: Shop) -> None:
    bot_id, ledger = shop.neonpay.program.adapter.bot_id, shop.neonpay.program.pipeline.ledger
    made = await EndpointBook(ledger, bot_id).add(
        "https://example.com/hook", events=["payment_delivered"], token_bytes=os.urandom, now_us=NOW_US
    )
    await ledger.run(_told, bot_id, made.endpoint_id)
    one = f"notifications/{bot_id}/{note_id('payment_needs_attention')}"
    async with serving(create_dashboard_app(shop.neonpay, patience_s=60.0), port=0) as url:
        for dark, size in ((False, DESKTOP), (True, PHONE)):
            scheme, language = ("dark", "ru-RU") if dark else ("light", "en-GB")
            context = await browser.new_context(viewport=size, color_scheme=scheme, locale=language)  # type: ignore[arg-type]
            page = await context.new_page()
            for name, path in (("notifications", "notifications/"), ("notification", one)):
                await page.goto(url + path)
                assert await violations(page, dark=dark) == [], path
                await photograph(page, f"{name}-{scheme}-{size['width']}")
                for width in (320, 768, 1000):
                    await page.set_viewport_size({"width": width, "height": 800})
                    assert await page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
                await page.set_viewport_size(size)  # type: ignore[arg-type]
            await context.close()
        context = await browser.new_context(java_script_enabled=False, viewport=DESKTOP)  # type: ignore[arg-type]
        page = await context.new_page()
        await page.goto(f"{url}notifications/?state=dead&channel=slack")
        await page.locator("tbody a.go").first.click()
        await page.get_by_role("button", name="Send again").click()
        await expect(page.locator(".told")).to_contain_text("waits to be sent again")
        await context.close()
