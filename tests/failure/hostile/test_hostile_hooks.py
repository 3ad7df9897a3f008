"""Checkout hooks, listeners and refund handlers that mean harm."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult
from tests.failure.hostile.misdeeds import ANYWHERE, HARMLESS, LOOT, WITH_A_CONNECTION, make_loot

if TYPE_CHECKING:
    from neonpay.simulator import Buyer, Outcome
    from tests.integration.conftest import MovableClock, Shop


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL + 1, logger="neonpay")  # pytest-xdist cannot report half of a surrogate pair


async def buys(shop: Shop, buyer: Buyer) -> Outcome:
    await shop.neonpay.send_payment(buyer.id, "vip")
    outcome = await buyer.pays(await buyer.hears(shop.account, predicate=lambda m: m.invoice is not None))
    await shop.settles()
    return outcome


def deliver(shop: Shop) -> list[int]:
    delivered: list[int] = []

    @shop.neonpay.on_payment(name="good")
    async def good(result: PaymentResult) -> None:
        delivered.append(result.user_id)

    return delivered


@pytest.mark.parametrize("form", ["async", "thread"])
@pytest.mark.parametrize("misdeed", ANYWHERE)
async def test_of_a_checkout_hook(shop: Shop, form: str, misdeed: str) -> None:
    harmed: set[int] = set()

    async def in_the_loop(query: Any) -> Any:
        return ANYWHERE[misdeed](None) if query.user_id in harmed else None

    def in_a_thread(query: Any) -> Any:
        return ANYWHERE[misdeed](None) if query.user_id in harmed else None

    delivered = deliver(shop)
    shop.neonpay.on_pre_checkout(in_the_loop if form == "async" else in_a_thread)
    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        harmed.add(ann.id)
        assert (await buys(shop, ann)).status == "declined"
        assert (await buys(shop, bob)).status == "paid"
        assert delivered == [bob.id]


@pytest.mark.parametrize("answer", ["a\0b", "a\ud800b", "word " * 10_000])
async def test_of_a_checkout_hook_with_words_for_the_buyer(shop: Shop, answer: str) -> None:
    deliver(shop)
    shop.neonpay.on_pre_checkout(lambda query: answer)
    async with shop.polling():
        assert (await buys(shop, await shop.visitor())).status == "declined"


@pytest.mark.parametrize("form", ["async", "thread"])
@pytest.mark.parametrize("misdeed", ANYWHERE)
async def test_of_a_listener(shop: Shop, form: str, misdeed: str) -> None:
    delivered = deliver(shop)
    if form == "async":

        @shop.neonpay.on("payment_completed")
        async def in_the_loop(event: Any) -> Any:
            return ANYWHERE[misdeed](None)

    else:

        @shop.neonpay.on("payment_completed")
        def in_a_thread(event: Any) -> Any:
            return ANYWHERE[misdeed](None)

    async with shop.polling():
        ann = await shop.visitor("Ann")
        for _ in range(2):
            assert (await buys(shop, ann)).status == "paid"
        await shop.fact("payment_completed", count=2)
    assert len(delivered) == 2


@pytest.mark.parametrize("misdeed", [*ANYWHERE, *WITH_A_CONNECTION])
async def test_of_a_refund_handler_with_the_transactions_connection(
    shop: Shop, clock: MovableClock, database_url: str, misdeed: str, query: Callable[..., Any]
) -> None:
    if misdeed in HARMLESS[database_url.partition(":")[0].partition("+")[0]]:
        pytest.skip("it does no harm here")
    await make_loot(database_url)
    deliver(shop)

    @shop.neonpay.on_refund(name="hostile", max_attempts=2)
    def hostile(result: PaymentResult, connection: sa.Connection) -> Any:
        connection.execute(sa.insert(LOOT).values(charge_id=result.transaction_id, buyer=1))
        return {**ANYWHERE, **WITH_A_CONNECTION}[misdeed](connection)

    async with shop.polling():
        charge_id = (await buys(shop, await shop.visitor())).charge_id or ""
        refund = await shop.neonpay.refund(charge_id)
        assert refund.state == "refunded"
        async with asyncio.timeout(100):
            while not (letters := await shop.neonpay.jobs.dead_letters()):
                clock.advance(7 * 3600)
        assert [(letter.consumer, letter.attempts) for letter in letters] == [("on_refund:hostile", 2)]
        proof = await shop.neonpay.books.verify()
        assert proof.is_clean, proof.findings
    if misdeed != "back door COMMIT":  # what is committed behind neonpay's back is
        assert await query(sa.select(LOOT)) == []


@pytest.mark.parametrize("form", ["thread", "transaction"])
async def test_of_handlers_that_block(shop: Shop, database_url: str, form: str) -> None:
    if form == "transaction" and database_url.startswith("sqlite"):
        pytest.skip("a file has one writer, which the handler holds")
    release, harmed, begun = threading.Event(), set[int](), threading.Semaphore(0)

    def block(user_id: int) -> None:
        if user_id in harmed:
            begun.release()
            release.wait()

    if form == "thread":

        @shop.neonpay.on_payment(name="hostile")
        def in_a_thread(result: PaymentResult) -> None:
            block(result.user_id)

    else:

        @shop.neonpay.on_payment(name="hostile")
        def in_the_transaction(result: PaymentResult, connection: sa.Connection) -> None:
            block(result.user_id)

    shop.neonpay.on_pre_checkout(lambda query: None)
    try:
        async with shop.polling(handle_as_tasks=True):
            ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
            harmed.add(ann.id)
            for _ in range(3):
                await shop.neonpay.send_payment(ann.id, "vip")
                message = await ann.hears(shop.account, predicate=lambda m: m.invoice is not None)
                assert (await ann.pays(message)).status == "paid"
            for _ in range(3):
                assert await asyncio.to_thread(begun.acquire, timeout=60)
            await shop.neonpay.send_payment(bob.id, "vip")
            outcome = await bob.pays(await bob.hears(shop.account, predicate=lambda m: m.invoice is not None))
            assert outcome.status == "paid"
            await shop.fact("payment_completed", count=4 if form == "thread" else 1)
            await shop.delivers(outcome)
            release.set()
    finally:
        release.set()
