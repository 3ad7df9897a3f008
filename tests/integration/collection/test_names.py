"""What people call a bot stands wherever a centre shows the bot, whoever said it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from neonpay import AnalyticsManager, MultiBotAnalyticsManager
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.integration.collection.conftest import Served
    from tests.integration.conftest import MovableClock

    Centres = Callable[..., AbstractAsyncContextManager[Served]]


async def names(served: Served) -> list[tuple[str | None, ...]]:
    """The names of the bots everywhere: in the status, the figures and the export."""

    async def told(path: str) -> Any:
        status, found = await served.get(path)
        assert status == 200, found
        return found

    lists = (
        (await told("/analytics/status"))["bots"],
        (await told("/analytics/query"))["bots"],
        await told("/analytics/export"),
    )
    shown = [tuple(bot["name"] for bot in sorted(bots, key=lambda bot: str(bot["alias"]))) for bots in lists]
    page, text = str(await told("/centre/")), str(await told("/analytics/export?format=csv"))
    assert all(name is None or (f"<bdi>{name}</bdi>" in page and f",{name}," in text) for name in shown[0])
    return shown


async def sends(served: Served) -> None:
    for word, said in (("store_bot", {}), ("support_bot", {"bot_name": "What it says"}), ("unknown", {})):
        assert (await served.send(served.batch(served.event("a"), bot_id=word, **said)))[0] == 200


@pytest.mark.parametrize("has_ledger", [False, True])
async def test_a_bot_has_the_name_under_which_it_is_registered(
    has_ledger: bool, centre_of: Centres, database_url: str, clock: MovableClock
) -> None:
    manager = MultiBotAnalyticsManager(database_url=database_url if has_ledger else None, clock=clock)
    manager.register_bot("store_bot", "Main Store")
    async with centre_of(multi_bot_analytics=manager, database_url=None) as served:
        await sends(served)
        assert await names(served) == [("Main Store", "What it says", None)] * 3
        manager.register_bot("support_bot", "Support")
        manager.register_bot("@Store_Bot", "Another Store")
        manager.register_bot("nobody", "Has sent nothing")
        assert await names(served) == [("Another Store", "Support", None)] * 3
    manager.close()


async def test_a_bot_has_the_name_that_another_program_has_registered(
    centre_of: Centres, database_url: str, clock: MovableClock
) -> None:
    with MultiBotAnalyticsManager(database_url=database_url, clock=clock) as manager:
        manager.register_bot("store_bot", "Main Store")
    async with centre_of() as served:
        await sends(served)
        assert await names(served) == [("Main Store", "What it says", None)] * 3


async def test_a_manager_that_is_switched_off_names_nobody(centre_of: Centres, clock: MovableClock) -> None:
    manager = MultiBotAnalyticsManager(enable_analytics=False, clock=clock)
    manager.register_bot("store_bot", "Main Store")
    async with centre_of(multi_bot_analytics=manager) as served:
        await sends(served)
        assert await names(served) == [(None, "What it says", None)] * 3


async def test_what_is_no_manager_of_several_bots_is_refused_before_anything_is_served(centre_of: Centres) -> None:
    for wrong in (AnalyticsManager(), object()):
        with pytest.raises(ConfigurationError, match="MultiBotAnalyticsManager"):
            async with centre_of(multi_bot_analytics=wrong):
                pass
    with pytest.raises(ConfigurationError, match="MultiBotEventCollector"):
        async with centre_of(event_collector=object()):
            pass
    for port in (99_999, -1, "x"):
        with pytest.raises(ConfigurationError, match="port is a whole number up to 65535"):
            async with centre_of(port=port):
                pass
    for host in (5, None):
        with pytest.raises(ConfigurationError, match="host is the address to listen on"):
            async with centre_of(host=host):
                pass
