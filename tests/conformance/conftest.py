"""The suites ship with the package; pytest explains a failed assert only in files that it was told of."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # The folder is run alone in environments of other libraries, whose tests have no PostgreSQL.
    from tests.lent_databases import LentDatabases

pytest.register_assert_rewrite(
    "neonpay.testing._adapter_calls",
    "neonpay.testing._adapter_life",
    "neonpay.testing._adapter_manners",
    "neonpay.testing._adapter_money",
    "neonpay.testing._adapter_seeing",
    "neonpay.testing._adapter_subscriptions",
    "neonpay.testing._extension_faults",
    "neonpay.testing._extension_holding",
    "neonpay.testing._extension_settling",
    "neonpay.testing._extension_shop",
    "neonpay.testing._ledger_life",
    "neonpay.testing._ledger_sharing",
    "neonpay.testing._ledger_units",
)

# Three distributions of one package: an environment has one of them, and tests/packaging/test_forks.py runs the others.
collect_ignore = [
    f"test_adapter_{fork}.py"
    for fork in ("kurigram", "pyrofork", "pyrogram")
    if not any(metadata.distributions(name=fork))
]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what is skipped: what a library cannot do is asserted by name, and no rule is left out."""
    report = yield
    if report.skipped and item.path.is_relative_to(Path(__file__).parent):
        report.outcome, report.longrepr = "failed", "no rule of a suite may be skipped"
    return report


@pytest.fixture
def copied_from(
    request: pytest.FixtureRequest, copied_from: Callable[[str], str | None]
) -> Callable[[str], str | None]:
    """Nothing, where how a ledger makes its tables is part of what is tested."""
    makes_tables = any(word in request.node.name for word in ("open", "new", "tables"))
    return (lambda _engine: None) if makes_tables else copied_from


@pytest.fixture
def new_postgresql(postgres_databases: LentDatabases, postgresql_with_tables: str) -> Iterator[Callable[[], str]]:
    """Makes databases with the tables of a ledger and nothing in them, which are gone when the test ends."""
    with ExitStack() as lent:
        yield lambda: lent.enter_context(postgres_databases.lent(postgresql_with_tables))
