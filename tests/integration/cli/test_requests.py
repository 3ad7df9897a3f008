"""``neonpay requests``: what buyers ask for, and what a person decides in a shell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.cli.conftest import Command
    from tests.integration.conftest import Shop


@pytest.fixture
async def asked(open_shop: Callable[..., Shop], neonpay: Command) -> str:
    """The id of a request that waits for a person."""
    charge_id = neonpay.charges["kept"]
    shop = open_shop()
    async with shop.polling():
        payment = await shop.neonpay.payments.get(charge_id)
        request = await shop.neonpay.refunds.request(charge_id, user_id=payment.user_id, words="it is broken")
    await shop.neonpay.close()
    return request.request_id


async def test_requests_are_listed_by_state_and_buyer(neonpay: Command, asked: str) -> None:
    (request,) = await neonpay.json("requests", "list")
    assert (request["request_id"], request["state"], request["words"]) == (asked, "open", "it is broken")
    assert (request["stage_id"], request["amount_stars"]) == ("vip", 50)
    assert len(await neonpay.json("requests", "list", "--state", "open", "--user", str(request["user_id"]))) == 1
    assert await neonpay.json("requests", "list", "--state", "refused") == []
    assert (await neonpay("requests", "list", "--user", "1")).stdout == "No such requests.\n"
    assert (await neonpay("requests", "list")).stdout.endswith("\n1 request\n")


async def test_a_request_is_named_by_its_charge_too(neonpay: Command, asked: str) -> None:
    for name in (asked, f"{asked[:12]}…", neonpay.charges["kept"][:12]):
        assert (await neonpay.json("requests", "show", name))["request_id"] == asked
    nobody = await neonpay("requests", "show", "nope")
    assert (nobody.exit_code, f"no request 'nope' in the ledger; open: {asked[:12]}" in nobody.stderr) == (3, True)


async def test_a_request_that_is_refused_is_not_decided_again(neonpay: Command, asked: str) -> None:
    refused = await neonpay("requests", "refuse", asked, "--answer", "It was used.")
    assert refused.stdout == f"{asked[:12]}… is refused; the bot tells the buyer.\n"
    request = await neonpay.json("requests", "show", asked)
    assert (request["state"], request["answer"]) == ("refused", "It was used.")
    assert request["decided_by"].endswith("by command")
    for command in (("refuse",), ("approve", "--yes")):
        again = await neonpay("requests", *command, asked)
        assert (again.exit_code, again.stdout) == (3, "")
        assert "is refused already, by " in again.stderr
        assert "nothing was changed; open: none" in again.stderr


async def test_a_person_is_asked_before_a_request_is_granted(neonpay: Command, asked: str) -> None:
    nobody = await neonpay("requests", "approve", asked)
    assert (nobody.exit_code, "Give 50 Stars back to user" in nobody.stderr, "--yes" in nobody.stderr) == (
        3,
        True,
        True,
    )
    assert (await neonpay("requests", "approve", asked, typed="no\n")).exit_code == 1
    assert (await neonpay.json("requests", "show", asked))["state"] == "open"


async def test_a_request_that_is_granted_with_a_token_gives_the_stars_back(neonpay: Command, asked: str) -> None:
    url = neonpay.shop.telegram.base_url
    made = await neonpay("requests", "approve", asked, "--yes", "--api-url", url, **neonpay.with_token)
    assert made.exit_code == 0
    assert "is approved; gave 50 Stars back to user" in made.stdout
    assert (await neonpay.json("payments", "show", neonpay.charges["kept"]))["state"] == "refunded"


async def test_a_request_that_is_granted_without_a_token_is_left_to_the_bot(
    open_shop: Callable[..., Shop], neonpay: Command, asked: str
) -> None:
    left = await neonpay("requests", "approve", asked, typed="y\n")
    assert left.exit_code == 0
    assert "is approved; the bot gives 50 Stars back to user" in left.stdout
    shown = await neonpay.json("payments", "show", neonpay.charges["kept"])
    assert (shown["refund"]["state"], shown["refund"]["reason"]) == ("intended", "it is broken")
    shop = open_shop(clock=None)  # the clock of the command
    async with shop.polling():
        await shop.fact("payment_refunded")
        assert (await shop.neonpay.books.verify()).is_clean


async def test_a_refund_that_telegram_refuses_is_told(neonpay: Command, asked: str) -> None:
    telegram = neonpay.shop.telegram
    telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_FOUND")
    options = ("--yes", "--api-url", telegram.base_url)
    refused = await asyncio.wait_for(neonpay("requests", "approve", asked, *options, **neonpay.with_token), 100)
    assert refused.exit_code == 1
    assert "the request is approved, but Telegram refuses" in refused.stderr
