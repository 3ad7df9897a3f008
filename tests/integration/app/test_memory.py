"""``database_url="memory:"``: for tests, and it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from neonpay import ConfigurationError, PaymentResult
from neonpay.ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.conftest import Shop

_PROGRAM = """
from neonpay.ledger import open_ledger
from neonpay.app.unfit import refuse_forgetting
refuse_forgetting("memory:?keep=nothing")
refuse_forgetting("memory:")
"""


async def test_a_shop_in_memory_sells_over_a_close_and_says_once_at_each_start_that_nothing_is_kept(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    shop = open_shop(database_url="memory:")

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = await shop.visitor("Ann")
        assert (await shop.sells(ann)).status == "paid"
    assert [record.levelname for record in caplog.records if "nothing is kept" in record.getMessage()] == ["WARNING"]
    async with shop.neonpay as neonpay:
        assert len(await neonpay.payments.history(ann.id)) == 1
    other = open_shop(database_url="memory:")
    async with other.neonpay as neonpay:
        assert await neonpay.payments.history(ann.id) == []


def test_a_ledger_in_memory_leaves_nothing_behind() -> None:
    ledger = open_ledger("memory:")
    ledger.open_sync()
    folder: Path = ledger.path.parent  # type: ignore[attr-defined]
    assert folder.stat().st_mode & 0o777 == 0o700
    ledger.close_sync()
    del ledger
    assert not folder.exists()


def test_outside_of_tests_it_has_to_be_asked_for_in_as_many_words() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1].endswith(
        'database_url="memory:" is for tests: payments would be lost with the process; give a file, "sqlite:///shop.db", '
        'or write "memory:?keep=nothing" to try something out against the simulator'
    )


def test_a_program_that_only_looks_finds_nothing_in_memory() -> None:
    with pytest.raises(ConfigurationError, match="one program alone"):
        open_ledger("memory:", as_it_is=True)
