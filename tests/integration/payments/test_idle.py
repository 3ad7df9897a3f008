"""How much an idle bot asks of its database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_cursor

from neonpay.core.clock import SystemClock
from neonpay.payments.settings import POLL_S
from neonpay.reconcile.reconciler import RECONCILE_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop

MOST_A_MINUTE = 100
"""Two thirds of them are the look for due jobs, each second; one look finds all periodic tasks that are due."""


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_idle_bot_says_little_to_its_database(
    open_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[str] = []
    driver: Any = AsyncAdapt_asyncpg_cursor
    execute = driver._prepare_and_execute  # noqa: SLF001  # beneath SQLAlchemy and its events

    async def note(cursor: Any, operation: str, parameters: Any) -> Any:
        noted.append(operation)
        return await execute(cursor, operation, parameters)

    monkeypatch.setattr(driver, "_prepare_and_execute", note)
    shop = open_shop(poll_s=POLL_S, reconcile_every_s=RECONCILE_EVERY_S, clock=SystemClock())

    @shop.neonpay.on_payment(name="deliver")
    async def deliver() -> None:
        pass

    a_minute: dict[str, float] = {}
    async with shop.neonpay:
        pipeline: Any = shop.neonpay.program.pipeline
        await pipeline.periodic.stop()
        looks = [*pipeline._worker._loops, pipeline.presence._keeping]  # noqa: SLF001
        for loop in looks:
            await loop.stop()  # a turn of each is taken by hand, and how often it comes is what it says itself
        tasks = [turns._task for turns in pipeline.periodic._turns]  # noqa: SLF001
        for _ in range(2):  # what there was to do at the start is done the first time
            for task in tasks:
                noted.clear()
                async with pipeline.periodic_store.turn(task.name, patience_s=30, next_in_s=task.every_s) as turn:
                    await task.work(turn)
                a_minute[task.name] = len(noted) * 60 / task.every_s
            for loop in (*looks, pipeline.periodic._look):  # noqa: SLF001
                noted.clear()
                pause_s = await loop._turn()  # noqa: SLF001
                assert pause_s > 0
                a_minute[loop.health.name] = len(noted) * 60 / pause_s
    assert {"jobs", "leases", "periodic", "presence", "seal", "fan_out", "reconcile"} <= a_minute.keys()
    assert sum(a_minute.values()) <= MOST_A_MINUTE, a_minute
