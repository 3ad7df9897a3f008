"""Every method of the Bot API is either simulated or refused, and never answered with ok by accident."""

from __future__ import annotations

import logging

import aiogram.methods
import pytest

from neonpay.simulator.methods import SIMULATED

EVERY_METHOD = sorted(
    {
        method.__api_method__
        for method in (getattr(aiogram.methods, name) for name in aiogram.methods.__all__)
        if isinstance(getattr(method, "__api_method__", None), str)
    }
)

PROMISED = {
    "answerCallbackQuery", "answerPreCheckoutQuery", "createInvoiceLink", "deleteMessage", "deleteWebhook",
    "editMessageText", "getMe", "getMyStarBalance", "getStarTransactions", "getUpdates", "getWebhookInfo",
    "refundStarPayment", "sendInvoice", "sendMessage", "sendPhoto", "setMyCommands", "setWebhook",
}  # fmt: skip


def test_what_is_promised_is_simulated():
    assert set(SIMULATED) >= PROMISED
    assert set(SIMULATED) <= set(EVERY_METHOD)


async def test_every_other_method_answers_501(wire):
    assert len(EVERY_METHOD) > 100
    for method in set(EVERY_METHOD) - set(SIMULATED):
        reply = await wire(method)
        assert (reply.status, reply.json["ok"]) == (501, False), method
        assert reply.description.startswith(f"Not simulated: {method}")


@pytest.mark.parametrize("method", ["getNothing", "sendinvoices", "", "x" * 5000, "../getMe", "getMe%00"])
async def test_a_method_that_does_not_exist_is_not_found(wire, method):
    reply = await wire.send("POST", f"/{method}")
    assert (reply.status, reply.description.partition(":")[0]) == (404, "Not Found")


async def test_a_bug_of_the_simulator_is_a_500_that_says_so(telegram, shop, wire, caplog):
    shop.first_name = None
    with caplog.at_level(logging.CRITICAL, "neonpay.simulator.http.api"):
        reply = await wire("getMe")
    assert reply.status == 500
    assert "bug in neonpay.simulator" in reply.description
    shop.first_name = "shop_bot"
