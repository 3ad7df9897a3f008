"""Short rounds of what ``make soak`` does for the better part of an hour: a crowd buys, and everything goes wrong at once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.failure.proving.nursery import Nursery
from tests.failure.proving.round import Round
from tests.failure.proving.scenario import SCENARIOS, Scenario
from tests.failure.proving.servers import mortal_postgres

_SEED = 2026
_SCENARIOS = {
    f"{scenario.engine}: {scenario.name}": replace(
        scenario,
        payments=60,
        kills=5,
        server_kills=min(1, scenario.server_kills),
        disk_fills=min(1, scenario.disk_fills),
        clock_jumps=min(4, scenario.clock_jumps),
    )
    for scenario in SCENARIOS
    if scenario.is_quick
}


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's tmp_path: the path of a Unix socket has to stay under 108 bytes.
    folder = Path(tempfile.mkdtemp(prefix="neonpay-round-"))
    yield folder
    shutil.rmtree(folder)


async def _sells_and_dies(round_: Round) -> None:
    tally = await round_.run()

    print(tally)  # noqa: T201 - pytest -rP shows it
    assert (tally.lost, tally.doubled, tally.wrong) == (0, 0, [])
    assert tally.payments >= round_.scenario.payments
    assert tally.kills.total() >= round_.scenario.kills
    assert tally.outcomes["paid"] == tally.payments


@pytest.mark.parametrize("name", [name for name in _SCENARIOS if name.startswith("sqlite")])
async def test_nothing_is_lost_or_doubled_on_sqlite(name: str, folder: Path, nursery: Nursery) -> None:
    await _sells_and_dies(Round(_SCENARIOS[name], nursery, f"sqlite:///{folder / 'shop.db'}", folder, _SEED))


@pytest.mark.parametrize(
    "name", [name for name in _SCENARIOS if name.startswith("postgresql") and not _SCENARIOS[name].server_kills]
)
async def test_nothing_is_lost_or_doubled_on_postgresql(
    name: str, folder: Path, nursery: Nursery, postgres_url: str
) -> None:
    await _sells_and_dies(Round(_SCENARIOS[name], nursery, postgres_url, folder, _SEED))


async def test_nothing_is_lost_or_doubled_when_postgresql_itself_is_killed(folder: Path, nursery: Nursery) -> None:
    scenario: Scenario = _SCENARIOS["postgresql: server killed"]
    with mortal_postgres() as server:
        url = server.databases.create_database()
        round_ = Round(scenario, nursery, url, folder, _SEED, server=server)
        await _sells_and_dies(round_)

    assert round_.tally.server_kills == 1
