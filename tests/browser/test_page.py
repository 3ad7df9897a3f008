"""The page itself: it restores, it keeps up, it gives nothing away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from playwright.async_api import expect

from neonpay.simulator import RunningClock, Simulator

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Route

    from neonpay.simulator import BotAccount
    from tests.browser.conftest import Look
    from tests.browser.shop import Shop


async def pays_until_the_bot_is_asked(page: Page) -> None:
    await page.locator(".chat .start").click()
    await page.locator(".keys .btn").first.click()
    await page.locator(".ticket .btn").click()
    await page.locator("[data-k=confirm]").click()
    await expect(page.get_by_role("dialog", name="The bot is checking the order")).to_be_visible()


async def test_a_reload_restores_everything_even_a_checkout_under_way(
    look: Look, telegram: Simulator, shop: Shop
) -> None:
    ann = telegram.user("Ann", stars=300)
    telegram.user("Ben")
    shop.may_answer.clear()
    page = await look()
    await pays_until_the_bot_is_asked(page)
    await telegram.advance(4)
    await page.get_by_role("button", name="Show Ben beside").click()
    rows = await page.locator(".hop").count()

    await page.reload()

    await expect(page.get_by_role("region", name="Chat of Ben")).to_be_visible()
    ann_chat = page.get_by_role("region", name="Chat of Ann")
    await expect(ann_chat.get_by_role("dialog", name="The bot is checking the order")).to_contain_text("6.0")
    await expect(page.locator(".hop")).to_have_count(rows)
    shop.may_answer.set()
    await expect(ann_chat.get_by_text("You successfully transferred")).to_be_visible()
    assert ann.stars == 50


async def test_an_answer_that_comes_after_the_end_of_the_payment_leaves_no_sheet_open(
    look: Look, telegram: Simulator, shop: Shop
) -> None:
    telegram.user("Ann", stars=300)
    page = await look()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        await expect(page.locator(".ticket .btn")).to_have_text("Receipt")
        await route.fulfill(response=answer)

    await page.route("**/begins", late)
    await page.locator(".chat .start").click()
    await page.locator(".keys .btn").first.click()
    await page.locator(".ticket .btn").click()
    await page.locator("[data-k=confirm]").click()
    await expect(page.locator(".chat").get_by_text("Thank you. It is yours.")).to_be_attached()
    await expect(page.locator(".chat [role=dialog]")).to_have_count(0)


async def test_a_simulator_that_goes_away_is_told_and_found_again(
    look: Look, telegram: Simulator, account: BotAccount
) -> None:
    ann = telegram.user("Ann")
    page = await look()
    await expect(page.locator(".holding .figure")).to_contain_text("0 Stars")
    await telegram.stop()
    lost = page.get_by_role("alert").filter(has_text="The simulator does not answer.")
    await expect(lost).to_be_visible()
    ann.gets_stars(77)
    await telegram.start()
    await lost.get_by_role("button", name="Try now").click()
    await expect(lost).to_have_count(0)
    await expect(page.locator(".holding .figure")).to_contain_text("77 Stars")


async def test_buyers_are_added_and_given_stars(look: Look, telegram: Simulator, account: BotAccount) -> None:
    page = await look()
    await page.get_by_role("button", name="Add a buyer").click()
    dialog = page.get_by_role("dialog", name="New buyer")
    await dialog.get_by_label("Name", exact=True).fill("Мария Соколова")
    await dialog.get_by_label("Balance in Stars").fill("1200")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("region", name="Chat of Мария Соколова")).to_be_visible()
    await page.get_by_role("button", name="Give 1,000 Stars").click()
    await expect(page.locator(".holding .figure")).to_contain_text("2,200 Stars")
    await page.get_by_role("button", name="Empty the balance of Мария Соколова").click()
    await expect(page.locator(".holding .figure")).to_contain_text("0 Stars")
    (maria,) = telegram.users()
    assert (maria.name, maria.stars) == ("Мария Соколова", 0)


async def test_a_fault_is_armed_used_up_and_switches_itself_off(look: Look, telegram: Simulator, shop: Shop) -> None:
    telegram.user("Ann")
    page = await look()
    await page.get_by_role("tab", name="Faults").click()
    switch = page.get_by_role("switch", name="Telegram fails")
    await page.get_by_label("Calls that fail").select_option("answerCallbackQuery")
    await switch.check()
    await expect(page.get_by_role("tab", name="Faults 1 armed")).to_be_visible()
    await page.locator(".chat .start").click()
    await page.get_by_role("button", name="What is this?").click()
    await expect(switch).not_to_be_checked()
    await page.get_by_role("tab", name="Wire").click()
    row = page.locator(".hop", has_text="answerCallbackQuery")
    await expect(row.locator(".ms.bad")).to_have_text("500")
    await row.locator("summary").click()
    await expect(row.locator("pre")).to_contain_text('"error_code": 500')


async def test_a_fault_that_the_page_did_not_set_is_listed_and_can_be_removed(
    look: Look, telegram: Simulator, account: BotAccount
) -> None:
    telegram.faults.fail("getMe", error_code=503, times=2)
    page = await look()
    await page.get_by_role("tab", name="Faults").click()
    await page.get_by_role("button", name="Remove the fault fail getMe 503").click()
    await expect(page.locator(".others")).to_have_count(0)
    assert len(telegram.faults) == 0


async def test_time_passes_by_buttons_keys_and_not_backwards(
    look: Look, telegram: Simulator, account: BotAccount
) -> None:
    telegram.user("Ann")
    page = await look()
    before = telegram.clock.now()
    await page.get_by_role("button", name="+1 d").click()
    await expect(page.get_by_role("slider", name="Virtual date")).to_have_attribute("aria-valuenow", "3")
    await page.get_by_role("slider", name="Virtual date").focus()
    await page.keyboard.press("PageUp")
    await expect(page.get_by_role("slider", name="Virtual date")).to_have_attribute("aria-valuenow", "10")
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#say")).to_have_text("Time goes only forward.")
    assert round(telegram.clock.now() - before) == 8 * 86_400


async def test_a_running_clock_can_be_stopped(browser: Browser) -> None:
    async with Simulator(seed=6, clock=RunningClock()) as running:
        running.bot("lumen_lessons_bot")
        running.user("Ann")
        page = await browser.new_page()
        await page.goto(running.base_url)
        await page.get_by_role("button", name="Pause the clock").click()
        await expect(page.get_by_role("button", name="Let the clock run")).to_be_visible()
        assert running.clock.frozen
        await page.get_by_role("button", name="Let the clock run").click()
        await expect(page.get_by_role("button", name="Pause the clock")).to_be_visible()
        assert not running.clock.frozen
        await page.context.close()


async def test_chats_that_do_not_fit_wait_behind_the_one_in_focus(
    look: Look, telegram: Simulator, account: BotAccount
) -> None:
    for name in ("Ann", "Ben", "Cleo"):
        telegram.user(name)
    page = await look()
    chats = page.locator(".chat:visible")
    await page.get_by_role("button", name="Show Ben beside").click()
    await page.get_by_role("button", name="Show Cleo beside").click()  # takes the place of Ben: there is room for two
    await expect(chats).to_have_count(2)
    await page.set_viewport_size({"width": 1100, "height": 800})
    await expect(chats).to_have_count(1)
    await expect(chats).to_have_accessible_name("Chat of Cleo")
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.get_by_role("navigation", name="Chats").get_by_role("button", name="Ann").click()
    await expect(chats).to_have_accessible_name("Chat of Ann")
    await page.set_viewport_size({"width": 1800, "height": 900})
    await expect(chats).to_have_count(2)
    await page.get_by_role("button", name="Close the chat of Ann").click()
    await expect(chats).to_have_accessible_name("Chat of Cleo")


async def test_each_bot_has_chats_and_a_wire_of_its_own_and_can_be_blocked(
    look: Look, telegram: Simulator, shop: Shop
) -> None:
    ann = telegram.user("Ann")
    other = telegram.bot("other_bot")
    await ann.says("Hello, other", to=other)
    page = await look()
    chat = page.get_by_role("region", name="Chat of Ann")
    await chat.locator(".start").click()
    await expect(chat.get_by_text("Hello.")).to_be_visible()
    await page.get_by_label("Bot", exact=True).select_option("@other_bot")
    await expect(chat.get_by_text("Hello, other")).to_be_visible()
    await expect(page.locator(".hop")).to_have_count(1)
    await expect(page.locator(".hop .ms")).to_have_text("queued")
    await chat.get_by_role("button", name="Commands and links").click()
    await chat.get_by_role("button", name="Block the bot").click()
    await expect(chat.get_by_text("The bot is blocked and cannot write.")).to_be_visible()
    await chat.get_by_role("button", name="Unblock the bot").click()
    await expect(page.locator(".hop", has_text="my_chat_member")).to_have_count(2)


async def test_a_row_that_is_opened_comes_into_view(look: Look, telegram: Simulator, shop: Shop) -> None:
    ann = telegram.user("Ann")
    for number in range(30):
        await ann.says(f"Hello {number}", to=shop.account)
    page = await look()
    last = page.locator(".hop").last
    await last.locator("summary").click()
    await expect(last.locator("pre")).to_be_in_viewport(ratio=0.9)


async def test_language_and_theme_are_chosen_and_kept(look: Look, telegram: Simulator, account: BotAccount) -> None:
    telegram.user("Ann")
    page = await look(language="ru-RU")
    await expect(page.get_by_role("region", name="Чат: Ann")).to_be_visible()
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("region", name="Chat of Ann")).to_be_visible()
    await page.get_by_role("button", name="Dark theme").click()
    await page.reload()
    await expect(page.get_by_role("button", name="Dark theme")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.get_by_role("heading", name="Simulator")).to_be_visible()


async def test_what_a_bot_writes_is_text_and_never_markup(look: Look, telegram: Simulator, shop: Shop) -> None:
    ann = telegram.user('<img src=x onerror="document.title=1">')
    await ann.says("/start", to=shop.account)
    await shop.bot.send_message(ann.id, '<script>document.title=2</script><a href="javascript:document.title=3">x</a>')
    page = await look()
    await expect(page.get_by_text("<script>document.title=2</script>").first).to_be_visible()
    assert await page.title() == "neonpay simulator"
    assert await page.locator("main img, main script, main a[href^=javascript]").count() == 0


async def test_the_page_asks_nobody_else_and_never_gets_a_token(look: Look, telegram: Simulator, shop: Shop) -> None:
    ann = telegram.user("Ann")
    await ann.says("/start", to=shop.account)
    await shop.bot.send_message(ann.id, f"My token is {shop.account.token}")
    await shop.bot.set_my_description(f"https://example.com/{shop.account.token}")
    page = await look()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    await expect(page.get_by_text("My token is <token>").first).to_be_visible()
    await page.locator(".hop", has_text="sendMessage").last.locator("summary").click()
    assert shop.account.token not in await page.content()
    assert shop.account.token not in json.dumps(await page.evaluate("({...sessionStorage, ...localStorage})"))
    assert [url for url in asked if not url.startswith(telegram.base_url)] == []
