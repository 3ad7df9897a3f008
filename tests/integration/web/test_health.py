"""The page of the bots and /healthz say what is, and /healthz fails when something is wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import sqlalchemy as sa

from neonpay.ledger import Transaction, open_ledger

if TYPE_CHECKING:
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served


async def rename(database_url: str, old: str, new: str) -> None:
    """Give a table another name, as if somebody had taken it away."""

    def unit(transaction: Transaction) -> None:
        transaction.connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))

    ledger = open_ledger(database_url)
    await ledger.run(unit)
    await ledger.close()


async def test_the_page_of_the_bots_says_which_shop_it_is(shop: Shop, served: Served, database_url: str) -> None:
    async with shop.polling(), served() as http:
        answer = await http.get("/bots")
        text = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert "<h1>The ledger answers and every loop is at work.</h1>" in text
    engine = "SQLite" if database_url.startswith("sqlite") else "PostgreSQL"
    for fact in (str(shop.neonpay.program.adapter.bot_id), "aiogram", engine, "notifications"):
        assert fact in text
    assert shop.account.token not in text
    for loop in shop.neonpay.program.loops:
        assert loop.name in text


async def test_russian_is_spoken_to_who_asks_for_it(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        for accepted, language in (
            ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
            ("en;q=0.3, ru;q=0.7", "ru"),
            ("de-DE, ru;q=0", "en"),
            ("de, en;q=0.5, ru;q=0.2", "en"),
            ("ru;q=much", "en"),
            ("", "en"),
        ):
            answer = await http.get("/bots", headers={"Accept-Language": accepted})
            text = await answer.text()
            assert f'<html lang="{language}">' in text, accepted
            assert ("Журнал отвечает, все циклы работают." in text) is (language == "ru")
            assert (answer.headers["Content-Language"], answer.headers["Vary"]) == (language, "Accept-Language, Cookie")


async def test_a_shop_at_work_is_healthy(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        answer = await http.get("/healthz")
        told = await answer.json()
    assert answer.status == 200
    assert (told["ok"], told["is_open"], told["ledger"], told["stopped"]) == (True, True, True, [])
    assert [loop["name"] for loop in told["loops"]] == [loop.name for loop in shop.neonpay.program.loops]
    assert set(told["loops"][0]) == {"name", "is_alive", "failures"}


async def test_a_shop_that_is_not_open_yet_is_not_healthy(shop: Shop, served: Served) -> None:
    async with served(only_looks=True) as http:  # which rolls nothing up, and so does not open the shop either
        answer = await http.get("/healthz")
        told = await answer.json()
        text = await (await http.get("/bots")).text()
    assert answer.status == 503
    assert (told["ok"], told["is_open"], told["ledger"]) == (False, False, True)
    assert "<h1>The shop is not open yet.</h1>" in text


async def test_a_loop_that_has_stopped_is_named(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        # It begins again after seconds, and may have by the second look.
        told, text = {"ok": True}, ""
        async with asyncio.timeout(100):
            while told["ok"] or "A loop has stopped" not in text:
                for task in [task for task in asyncio.all_tasks() if task.get_name() == "neonpay presence"]:
                    task.cancel()
                    await asyncio.wait([task])
                answer = await http.get("/healthz")
                told = await answer.json()
                text = await (await http.get("/bots")).text()
    assert (answer.status, told["ok"], told["stopped"]) == (503, False, ["presence"])
    assert "<h1>A loop has stopped: presence.</h1>" in text


async def test_a_loop_that_fails_is_named_and_is_no_alarm(shop: Shop, served: Served, database_url: str) -> None:
    async with shop.polling(), served() as http:
        await rename(database_url, "neonpay_jobs", "taken_away")
        answer = await http.get("/healthz")
        async with asyncio.timeout(100):
            while not any(loop["name"] == "jobs" and loop["failures"] for loop in (await answer.json())["loops"]):
                answer = await http.get("/healthz")
        told = await answer.json()
        text = await (await http.get("/bots")).text()
        await rename(database_url, "taken_away", "neonpay_jobs")
    assert (answer.status, told["ok"], told["stopped"]) == (200, True, [])
    assert "neonpay_jobs" not in str(told) + text
    assert "<h1>A loop fails and goes on: jobs" in text


async def test_a_ledger_that_does_not_answer_is_told_without_its_words(
    shop: Shop, served: Served, database_url: str
) -> None:
    async with shop.polling(), served() as http:
        await rename(database_url, "neonpay_keys", "taken_away")
        answer = await http.get("/healthz")
        told = await answer.json()
        page = await http.get("/bots")
        text = await page.text()
    assert (answer.status, told["ok"], told["ledger"]) == (503, False, False)
    assert "neonpay_keys" not in str(told)
    assert (page.status, "neonpay_keys" in text) == (200, False)
    assert "<h1>The ledger cannot be read.</h1>" in text
    assert "<code>neonpay doctor</code>" in text


async def test_a_program_that_takes_up_no_work_has_no_loops_that_could_stop(shop: Shop, served: Served) -> None:
    await shop.neonpay.setup()
    async with served(watches_loops=False) as http:
        answer = await http.get("/healthz")
        told = await answer.json()
        text = await (await http.get("/bots")).text()
    assert (answer.status, told["ok"], told["loops"]) == (200, True, [])
    assert "<h1>The ledger answers.</h1>" in text


async def test_how_the_loops_are_is_told_to_this_machine_and_not_to_who_comes_by_a_proxy(
    shop: Shop, served: Served
) -> None:
    async with shop.polling(), served() as http:
        answer = await http.get("/healthz", headers={"X-Forwarded-For": "203.0.113.9"})
        assert (answer.status, await answer.json()) == (200, {"ok": True})
