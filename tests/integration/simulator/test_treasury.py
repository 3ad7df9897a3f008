"""Stars that move beside invoices, as a bot sees them in its list of transactions and in its balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from neonpay.errors import SimulatorError
from neonpay.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from neonpay.simulator import BotAccount
    from neonpay.simulator.people.treasury import MovementKind

    Call = Callable[..., Awaitable[Any]]

INCOMING: list[MovementKind] = ["affiliate", "paid_media", "business_transfer", "other_in"]
OUTGOING: list[MovementKind] = ["gift", "premium", "ads", "paid_broadcast", "other_out"]


@pytest.fixture
async def telegram() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7) as telegram:
        yield telegram


@pytest.fixture
def shop(telegram: Simulator) -> BotAccount:
    return telegram.bot("shop_bot")


@pytest.fixture
async def call(telegram: Simulator, shop: BotAccount) -> AsyncIterator[Call]:
    async with ClientSession() as session:

        async def call(method: str, **params: object) -> Any:
            async with session.post(f"{telegram.base_url}/bot{shop.token}/{method}", json=params) as answer:
                return (await answer.json())["result"]

        yield call


@pytest.mark.parametrize("kind", INCOMING + OUTGOING)
async def test_a_movement_is_a_row_and_changes_the_balance(
    telegram: Simulator, shop: BotAccount, call: Call, kind: MovementKind
) -> None:
    treasury = telegram.treasury(shop)
    treasury.move("other_in", 100)
    moved = treasury.move(kind, 7, nanostars=250_000_000, user=telegram.user("Ann"))
    sign, side = (1, "source") if kind in INCOMING else (-1, "receiver")

    (_, row) = (await call("getStarTransactions"))["transactions"]
    balance = await call("getMyStarBalance")

    assert (row["id"], row["amount"], row["nanostar_amount"]) == (moved, 7, 250_000_000)
    assert {"source", "receiver"} & row.keys() == {side}
    whole = balance["amount"] * 10**9 + balance["nanostar_amount"]
    assert whole == 100 * 10**9 + sign * 7_250_000_000


async def test_a_withdrawal_changes_where_it_stands(telegram: Simulator, shop: BotAccount, call: Call) -> None:
    treasury = telegram.treasury(shop)
    treasury.move("other_in", 3000)
    paid_out, refused = treasury.withdraws(1000), treasury.withdraws(1500)

    async def states() -> list[str]:
        rows = (await call("getStarTransactions", offset=1))["transactions"]
        return [row["receiver"]["withdrawal_state"]["type"] for row in rows]

    assert await states() == ["pending", "pending"]
    assert telegram.balance(shop) == 500
    paid_out.succeeds()
    refused.fails()
    assert await states() == ["succeeded", "failed"]
    assert telegram.balance(shop) == 2000


async def test_nobody_withdraws_more_than_there_is(telegram: Simulator, shop: BotAccount) -> None:
    with pytest.raises(SimulatorError, match="has 0 Stars"):
        telegram.treasury(shop).withdraws(1)


async def test_stars_that_telegram_takes_leave_no_row(telegram: Simulator, shop: BotAccount, call: Call) -> None:
    telegram.treasury(shop).loses(5)
    assert await call("getMyStarBalance") == {"amount": -5}
    assert await call("getStarTransactions") == {"transactions": []}


async def test_another_process_moves_stars_too(telegram: Simulator, shop: BotAccount, call: Call) -> None:
    async with ClientSession() as session:
        for order in ({"kind": "affiliate", "stars": 2000}, {"kind": "withdrawal", "stars": 1000, "ends": "failed"}):
            async with session.post(f"{telegram.base_url}/_sim/bots/shop_bot/moves", json=order) as answer:
                assert (await answer.json())["stars"] == 2000
    assert len((await call("getStarTransactions"))["transactions"]) == 2


async def test_stars_are_held_for_three_weeks(telegram: Simulator, shop: BotAccount) -> None:
    treasury = telegram.treasury(shop)
    treasury.move("other_in", 1_500)
    with pytest.raises(SimulatorError, match="0 are available"):
        treasury.withdraws(1_000, heeds_bounds=True)
    await telegram.advance(21 * 86_400)
    assert treasury.available_stars == 1_500
    with pytest.raises(SimulatorError, match="it takes 1000"):
        treasury.withdraws(999, heeds_bounds=True)
    treasury.withdraws(1_000, heeds_bounds=True)
    assert telegram.balance(shop) == 500


async def test_rows_of_premium_and_of_paid_messages_say_how_much(
    telegram: Simulator, shop: BotAccount, call: Call
) -> None:
    treasury = telegram.treasury(shop)
    treasury.move("other_in", 2_000)
    treasury.move("premium", 1_500, user=telegram.user("Ann"))
    treasury.move("paid_broadcast", 3)
    _, premium, paid = (await call("getStarTransactions"))["transactions"]
    assert premium["receiver"]["premium_subscription_duration"] == 6
    assert paid["receiver"] == {"type": "telegram_api", "request_count": 30}
