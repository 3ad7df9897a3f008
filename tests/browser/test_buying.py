"""What a person does on the page, bought from a real bot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from neonpay.simulator.people.attachments import one_pixel

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from neonpay.simulator import Simulator
    from tests.browser.conftest import Look
    from tests.browser.shop import Shop


def chat(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=f"Chat of {name}")


TOO_WIDE = """
    [...document.querySelectorAll("main *")]
        .filter((e) => e.checkVisibility() && !e.closest("svg") && e.scrollWidth > e.clientWidth + 1)
        .filter((e) => getComputedStyle(e).overflowX === "visible" && getComputedStyle(e).display !== "inline")
        .map((e) => e.className)
"""


async def starts(place: Locator) -> None:
    await place.get_by_role("button", name="Start").click()
    await expect(place.get_by_text("Hello.")).to_be_visible()


async def opens_invoice(place: Locator, button: str = "Ten lessons") -> None:
    await place.get_by_role("button", name=button).click()
    await place.locator(".ticket").last.get_by_role("button", name="Pay").click()
    await expect(place.get_by_role("dialog")).to_be_visible()


async def test_two_buyers_buy_at_once_side_by_side(look: Look, telegram: Simulator, shop: Shop) -> None:
    ann, ben = telegram.user("Ann", stars=300), telegram.user("Ben", stars=1000)
    page = await look()
    await page.get_by_role("button", name="Show Ben beside").click()
    shop.may_answer.clear()
    for name in ("Ann", "Ben"):
        place = chat(page, name)
        await starts(place)
        await opens_invoice(place)
        await place.get_by_role("dialog").get_by_role("button", name="Pay").click()
        await expect(place.get_by_role("heading", name="The bot is checking the order")).to_be_visible()
    await expect(page.get_by_role("heading", name="Waiting for answerPreCheckoutQuery")).to_have_count(2)

    shop.may_answer.set()

    for name in ("Ann", "Ben"):
        place = chat(page, name)
        await expect(place.get_by_role("dialog")).to_have_count(0)
        await expect(place.get_by_text("You successfully transferred")).to_be_visible()
        await expect(place.get_by_text("Thank you. It is yours.")).to_be_visible()
        await expect(place.get_by_role("img", name="Paid, and the bot has written since")).to_be_visible()
    assert (ann.stars, ben.stars, telegram.balance(shop.account)) == (50, 750, 500)
    await expect(page.locator(f'[data-buyer="{ann.id}"]')).to_contain_text("50")
    assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight && scrollY === 0")


async def test_a_card_invoice_shows_its_currency_and_is_paid_without_stars(
    look: Look, telegram: Simulator, shop: Shop
) -> None:
    ann = telegram.user("Ann", stars=0)
    page = await look()
    place = chat(page, "Ann")
    await starts(place)
    await place.get_by_role("textbox", name="Message to the bot").fill("/mug")
    await page.keyboard.press("Enter")
    await place.locator(".ticket").get_by_role("button", name="Pay USD 14.50").click()
    sheet = place.get_by_role("dialog")
    await expect(sheet.get_by_role("row", name="Mug USD 14.50")).to_be_visible()
    await sheet.get_by_role("button", name="Pay USD 14.50").click()
    await expect(place.get_by_text("You successfully transferred USD 14.50")).to_be_visible()
    await place.get_by_role("button", name="Receipt").click()
    await expect(place.get_by_role("dialog")).to_contain_text("USD 14.50")
    assert (ann.stars, telegram.balance(shop.account)) == (0, 0)


async def test_a_declined_checkout_shows_the_words_of_the_bot_and_moves_nothing(
    look: Look, telegram: Simulator, shop: Shop
) -> None:
    ann = telegram.user("Ann", stars=300)
    shop.refuses = "The last seat was taken a minute ago."
    page = await look()
    place = chat(page, "Ann")
    await starts(place)
    await opens_invoice(place)
    await place.get_by_role("dialog").get_by_role("button", name="Pay").click()

    sheet = place.get_by_role("dialog", name="The bot declined")
    await expect(sheet).to_contain_text("The last seat was taken a minute ago.")
    await expect(page.locator(".hop", has_text="answerPreCheckoutQuery").locator(".ms")).to_have_class("ms bad")
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    await expect(place.get_by_role("img", name="Declined at checkout, no Stars moved")).to_be_visible()
    await expect(place.get_by_role("button", name="Pay")).to_be_focused()
    assert ann.stars == 300


async def test_ten_seconds_of_silence_cancel_the_payment(look: Look, telegram: Simulator, shop: Shop) -> None:
    ann = telegram.user("Ann", stars=300)
    shop.may_answer.clear()
    page = await look()
    place = chat(page, "Ann")
    await starts(place)
    await opens_invoice(place)
    await place.get_by_role("dialog").get_by_role("button", name="Pay").click()
    ring = place.locator(".ring .sec")
    await expect(ring).to_contain_text("10.0")
    await telegram.advance(7)
    await expect(ring).to_contain_text("3.0")
    await page.keyboard.press("Escape")  # there is no way out of it, as in Telegram
    await expect(place.get_by_role("dialog", name="The bot is checking the order")).to_be_visible()

    await page.get_by_role("button", name="To the end of the 10 seconds").click()

    sheet = place.get_by_role("dialog", name="The bot did not answer")
    await expect(sheet).to_contain_text("No Stars moved.")
    await expect(page.locator(".hop", has_text="no answer in 10 s")).to_contain_text("canceled")
    assert ann.stars == 300
    shop.may_answer.set()
    await sheet.get_by_role("button", name="Try again").click()
    await place.get_by_role("dialog", name="Confirm the purchase").get_by_role("button", name="Pay").click()
    await expect(place.get_by_text("You successfully transferred")).to_be_visible()


@pytest.mark.parametrize(("answer", "left"), [("Answer yes for it", 50), ("Answer no", 300)])
async def test_a_person_may_answer_for_a_bot_that_is_slow(
    look: Look, telegram: Simulator, shop: Shop, answer: str, left: int
) -> None:
    ann = telegram.user("Ann", stars=300)
    shop.may_answer.clear()
    page = await look()
    place = chat(page, "Ann")
    await starts(place)
    await opens_invoice(place)
    await place.get_by_role("dialog").get_by_role("button", name="Pay").click()
    await page.get_by_role("button", name=answer).click()
    await expect(page.locator(".hop", has_text="answerPreCheckoutQuery")).to_contain_text("by hand")
    await expect(page.locator(".waiting")).to_have_count(0)
    assert ann.stars == left


async def test_a_refund_comes_back_to_the_buyer(look: Look, telegram: Simulator, shop: Shop) -> None:
    ann = telegram.user("Ann", stars=300)
    page = await look()
    place = chat(page, "Ann")
    await starts(place)
    await opens_invoice(place, "Phrasebook")
    await place.get_by_role("dialog").get_by_role("button", name="Pay").click()
    await expect(place.get_by_text("Thank you. It is yours.")).to_be_visible()

    await place.get_by_role("button", name="Commands and links").click()
    await place.get_by_role("button", name="/refund Get the last Stars back").click()

    await expect(place.get_by_text("refunded")).to_be_visible()
    await expect(place.get_by_role("img", name="Paid, then refunded")).to_be_visible()
    await place.get_by_role("button", name="Receipt").click()
    await expect(place.get_by_role("dialog", name="Receipt")).to_contain_text("The Stars went back to the buyer.")
    assert ann.stars == 300


async def test_a_subscription_renews_after_thirty_days_and_can_be_cancelled(
    look: Look, telegram: Simulator, shop: Shop
) -> None:
    ann = telegram.user("Ann", stars=300)
    page = await look()
    place = chat(page, "Ann")
    await starts(place)
    await place.get_by_role("textbox", name="Message to the bot").fill("/plus")
    await page.keyboard.press("Enter")
    await place.get_by_role("button", name="Subscribe").click()
    sheet = place.get_by_role("dialog", name="Confirm the subscription")
    await expect(sheet).to_contain_text("every 30 days")
    await sheet.get_by_role("button", name="Pay").click()
    await expect(place.get_by_text("You subscribed to Lumen Plus")).to_be_visible()

    await page.get_by_role("button", name="To the renewal").click()

    await expect(place.get_by_text("Lumen Plus renewed")).to_be_visible()
    await expect(place.get_by_text("30 days later")).to_be_visible()
    await expect(page.locator(".hop.money", has_text="is_recurring")).to_have_count(2)
    assert ann.stars == 60
    await page.get_by_role("button", name="Cancel the subscription Lumen Plus").click()
    await expect(page.get_by_role("button", name="Restore the subscription Lumen Plus")).to_be_visible()
    await expect(page.locator(".hop", has_text="subscription")).to_contain_text("canceled")


async def test_too_few_stars_can_be_given_in_the_sheet(look: Look, telegram: Simulator, shop: Shop) -> None:
    ann = telegram.user("Ann", stars=90)
    page = await look()
    place = chat(page, "Ann")
    await starts(place)
    await opens_invoice(place)
    sheet = place.get_by_role("dialog", name="Not enough Stars")
    await expect(sheet.get_by_role("row", name="Missing")).to_contain_text("160")
    await sheet.get_by_role("button", name="Give").click()
    await place.get_by_role("dialog", name="Confirm the purchase").get_by_role("button", name="Pay").click()
    await expect(place.get_by_text("Thank you. It is yours.")).to_be_visible()
    assert ann.stars == 0


async def test_paid_media_are_unlocked_and_a_reply_keyboard_writes(look: Look, telegram: Simulator, shop: Shop) -> None:
    ann = telegram.user("Ann", stars=50)
    page = await look()
    place = chat(page, "Ann")
    await starts(place)
    await place.get_by_role("textbox", name="Message to the bot").fill("/picture")
    await page.keyboard.press("Enter")
    await expect(place.get_by_role("img", name="Photo")).to_have_count(0)
    await place.get_by_role("button", name="Unlock for").click()
    picture = place.get_by_role("img", name="Photo")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    await place.get_by_role("button", name="Large").click()
    await expect(place.get_by_text("Large it is.")).to_be_visible()
    assert ann.stars == 20


async def test_pictures_come_into_view_as_they_are_given(look: Look, telegram: Simulator, shop: Shop) -> None:
    ann = telegram.user("Ann", stars=300)
    page = await look()
    place = chat(page, "Ann")
    await starts(place)
    await opens_invoice(place)
    await expect(page.locator("img.mono-face")).to_have_count(0)
    telegram.picture(shop.account, one_pixel())
    telegram.picture(ann.messages(shop.account)[-1], one_pixel())
    await expect(page.locator("img.mono-face").first).to_be_visible()
    goods = place.locator("img.goods-picture")
    assert await goods.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1


async def test_a_deep_link_starts_the_bot_with_its_parameter(look: Look, telegram: Simulator, shop: Shop) -> None:
    telegram.user("Ann")
    page = await look()
    place = chat(page, "Ann")
    await place.get_by_role("button", name="Commands and links").click()
    await place.get_by_role("textbox", name="Open a t.me link").fill("t.me/lumen_lessons_bot?start=book")
    await page.keyboard.press("Enter")
    await expect(place.get_by_role("heading", name="Phrasebook")).to_be_visible()


async def test_an_alert_of_the_bot_is_a_dialog(look: Look, telegram: Simulator, shop: Shop) -> None:
    telegram.user("Ann")
    page = await look()
    place = chat(page, "Ann")
    await starts(place)
    await place.get_by_role("button", name="What is this?").click()
    alert = page.get_by_role("dialog").filter(has_text="A shop for lessons.")
    await expect(alert).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(alert).to_have_count(0)


async def test_a_purchase_needs_no_mouse(look: Look, telegram: Simulator, shop: Shop) -> None:
    telegram.user("Ann", stars=10)
    ben = telegram.user("Ben", stars=300)
    page = await look()
    await expect(page.get_by_role("button", name="Ann 10")).to_be_visible()
    await page.keyboard.press("2")
    await page.keyboard.press("/")
    await page.keyboard.type("/buy")
    await page.keyboard.press("Enter")
    place = chat(page, "Ben")
    await expect(place.locator(".ticket")).to_be_visible()
    for _ in range(12):
        if await place.locator(".ticket .btn").evaluate("button => button === document.activeElement"):
            break
        await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(place.get_by_role("dialog")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(place.get_by_role("dialog").get_by_role("button", name="Pay")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(place.get_by_text("Thank you. It is yours.")).to_be_visible()
    await expect(place.get_by_role("button", name="Receipt")).to_be_focused()
    assert ben.stars == 50


@pytest.mark.parametrize("language", ["en-GB", "ru-RU"])
async def test_a_phone_buys_without_scrolling_sideways(
    look: Look, telegram: Simulator, shop: Shop, language: str
) -> None:
    ann = telegram.user("Anna Weber-Hofmannsthal", stars=300)
    telegram.user("Ben")
    page = await look(phone=True, language=language)
    await page.locator(".chat .start").tap()
    await page.locator(".keys .btn").first.tap()
    await page.locator(".ticket .btn").tap()
    await page.locator("[data-k=confirm]").tap()
    await expect(page.locator(".chat").get_by_text("Thank you. It is yours.")).to_be_visible()
    assert ann.stars == 50
    for width in (390, 320):
        await page.set_viewport_size({"width": width, "height": 700})
        for tab in ("chat", "wire", "faults", "time", "buyers"):
            await page.locator(f"[data-go={tab}]").tap()
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")
            assert await page.evaluate(TOO_WIDE) == [], (width, tab)
