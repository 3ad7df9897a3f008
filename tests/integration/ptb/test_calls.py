"""Calls go out as the host's own do, and come back as Telegram made them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter, Defaults
from telegram.request import HTTPXRequest

from neonpay.errors import TelegramError, TelegramUnreachableError
from tests.integration.ptb.conftest import PtbShop


class Limiter(BaseRateLimiter[None]):
    """Notes what passes, and makes a call again that Telegram puts off."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.waits_out = False

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def process_request(
        self, callback: Any, args: Any, kwargs: Any, endpoint: str, data: Any, rate_limit_args: None
    ) -> Any:
        self.passed.append(endpoint)
        try:
            return await callback(*args, **kwargs)
        except RetryAfter:
            if not self.waits_out:
                raise
            return await callback(*args, **kwargs)


class OwnRequest(HTTPXRequest):
    """A request object of the host's own, for its own proxy."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.broken = False

    async def do_request(self, url: str, method: str, *args: Any, **options: Any) -> tuple[int, bytes]:
        self.asked.append(url.rpartition("/")[2])
        if self.broken:
            msg = f"no way to {url}"
            raise ZeroDivisionError(msg)
        return await super().do_request(url, method, *args, **options)


async def test_telegrams_own_words_are_kept(shop: PtbShop) -> None:
    ann = await shop.visitor()
    async with shop.application:
        with pytest.raises(TelegramError) as caught:
            await shop.neonpay.program.adapter.call(
                "refundStarPayment", {"user_id": ann.id, "telegram_payment_charge_id": "none"}
            )

    assert caught.value.description == "Bad Request: CHARGE_ID_INVALID"


async def test_the_hosts_limiter_paces_everything_but_the_answer_that_a_buyer_waits_for(
    open_shop: Callable[..., PtbShop],
) -> None:
    limiter = Limiter()
    shop = open_shop(build=lambda builder: builder.rate_limiter(limiter))
    shop.sells_through(shop.application)
    async with shop.polling():
        await shop.sells(await shop.visitor())

    assert "sendInvoice" in limiter.passed
    assert "answerPreCheckoutQuery" not in limiter.passed


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")  # the library's, of its own RetryAfter
async def test_a_limiter_may_wait_out_what_telegram_puts_off(open_shop: Callable[..., PtbShop]) -> None:
    limiter = Limiter()
    shop = open_shop(build=lambda builder: builder.rate_limiter(limiter))
    adapter, faults = shop.neonpay.program.adapter, shop.telegram.faults
    async with shop.application:
        faults.fail("getMyStarBalance", error_code=429, retry_after=7)
        with pytest.raises(TelegramError) as caught:
            await adapter.call("getMyStarBalance", {})
        limiter.waits_out = True
        faults.fail("getMyStarBalance", error_code=429, retry_after=7)
        balance = await adapter.call("getMyStarBalance", {})

    assert (caught.value.error_code, caught.value.retry_after_s) == (429, 7)
    assert balance == {"amount": 0}


async def test_calls_take_the_way_of_the_hosts_own_request_object(open_shop: Callable[..., PtbShop]) -> None:
    request = OwnRequest()
    shop = open_shop(build=lambda builder: builder.request(request))
    async with shop.application:
        await shop.neonpay.program.adapter.call("getMyStarBalance", {})
        request.broken = True
        with pytest.raises(TelegramUnreachableError) as caught:
            await shop.neonpay.program.adapter.call("getMyStarBalance", {})
        request.broken = False

    assert request.asked.count("getMyStarBalance") == 2
    error: BaseException | None = caught.value
    assert shop.account.token not in str(error)
    assert error is not None
    assert error.__suppress_context__


async def test_the_hosts_defaults_are_for_its_own_messages(open_shop: Callable[..., PtbShop]) -> None:
    defaults = Defaults(parse_mode="HTML", protect_content=True)
    shop = open_shop(build=lambda builder: builder.defaults(defaults), thank_you_message="5 < 6 & thanks")
    shop.sells_through(shop.application)
    async with shop.polling():
        ann = await shop.visitor()
        await shop.sells(ann)
        thanks = await ann.hears(shop.account, containing="thanks")

    assert thanks.text == "5 < 6 & thanks"


async def test_a_bot_that_nobody_started_can_be_asked_twice_and_closed_twice(shop: PtbShop) -> None:
    for _ in range(2):
        balances = await asyncio.gather(*[shop.neonpay.program.adapter.call("getMyStarBalance", {}) for _ in range(3)])
        await shop.neonpay.close()

        assert balances == [{"amount": 0}] * 3
