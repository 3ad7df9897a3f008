"""Calls of the Bot API: what comes back, and what is raised."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest

from neonpay.errors import PaymentError, TelegramError, TelegramUnreachableError
from neonpay.testing._adapter_base import AdapterFixtures, ShopUnderTest

_SERVER_ERROR = 500
_REFUSALS: tuple[tuple[int, str | None, int | None], ...] = (
    (400, "Bad Request: chat not found", None),
    (403, "Forbidden: bot was blocked by the user", None),
    (404, "Not Found", None),
    (409, "Conflict: terminated by other getUpdates request", None),
    (429, None, 7),
    (500, "Internal Server Error", None),
    (502, "Bad Gateway", None),
)


class CallRules(AdapterFixtures):
    """A call gives plain JSON or raises an error of ours, with Telegram's own words and never with the token."""

    async def test_a_result_is_plain_json(self, shop: ShopUnderTest) -> None:
        me = await shop.do(shop.neonpay.program.adapter.call, "getMe", {})
        assert isinstance(me, dict)
        assert (me["id"], me["is_bot"], me["username"]) == (shop.neonpay.program.adapter.bot_id, True, "shop_bot")

    async def test_transactions_are_plain_json_whatever_the_library_makes_of_them(self, shop: ShopUnderTest) -> None:
        await shop.sells(await shop.visitor())
        shop.telegram.treasury(shop.account).move("ads", 3)
        answer = await shop.do(shop.neonpay.program.adapter.call, "getStarTransactions", {"offset": 0, "limit": 100})
        assert isinstance(answer, dict)
        rows: Any = answer["transactions"]
        assert [row["amount"] for row in rows] == [50, 3]
        assert (rows[0]["source"]["transaction_type"], rows[1]["receiver"]) == (
            "invoice_payment",
            {"type": "telegram_ads"},
        )

    @pytest.mark.parametrize(("code", "words", "retry_after_s"), _REFUSALS)
    async def test_a_refusal_is_raised_with_its_data(
        self,
        shop: ShopUnderTest,
        code: int,
        words: str | None,
        retry_after_s: int | None,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        buyer = await shop.visitor()
        shop.telegram.faults.fail("sendMessage", error_code=code, description=words, retry_after=retry_after_s)
        with caplog.at_level(logging.DEBUG, "neonpay"), pytest.raises(TelegramError) as caught:
            await self._say(shop, buyer.id)
        error = caught.value
        # Libraries have one error for all that is wrong on Telegram's side.
        same = error.error_code == code or (error.error_code >= _SERVER_ERROR and code >= _SERVER_ERROR)
        assert (error.method, same, error.retry_after_s) == ("sendMessage", True, retry_after_s), error.error_code
        if words is not None:
            # Libraries tidy the words up; what they say is still there.
            assert words.partition(": ")[2].casefold() in error.description.casefold()
        assert [message.text for message in buyer.messages(shop.account)] == ["/start"]
        _hides_the_token(shop, error, caplog)

    @pytest.mark.parametrize("arrived", [True, False], ids=["after it was done", "before it was done"])
    async def test_a_call_without_an_answer_is_told_apart_from_a_refusal(
        self, shop: ShopUnderTest, arrived: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        buyer = await shop.visitor()
        faults = shop.telegram.faults
        (faults.lose_answer if arrived else faults.drop_connection)("sendMessage", times=10)
        with caplog.at_level(logging.DEBUG, "neonpay"), pytest.raises(TelegramUnreachableError) as caught:
            await self._say(shop, buyer.id)
        faults.clear()
        assert caught.value.method == "sendMessage"
        _hides_the_token(shop, caught.value, caplog)

    async def test_nothing_shows_the_token(self, shop: ShopUnderTest) -> None:
        for thing in (
            shop.neonpay,
            shop.neonpay.program.adapter,
            shop.neonpay.get_stats(),
            shop.neonpay.program.capabilities(),
        ):
            assert _secret(shop) not in repr(thing)

    async def _say(self, shop: ShopUnderTest, chat_id: int) -> None:
        await shop.do(shop.neonpay.program.adapter.call, "sendMessage", {"chat_id": chat_id, "text": "Hello"})


def _secret(shop: ShopUnderTest) -> str:
    return str(shop.account.token.partition(":")[2])


def _hides_the_token(shop: ShopUnderTest, error: PaymentError, caplog: pytest.LogCaptureFixture) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error)
    shown += "".join(record.getMessage() + str(record.exc_info) for record in caplog.records)
    assert _secret(shop) not in shown
