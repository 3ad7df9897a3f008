"""People are found by their usernames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from neonpay.core.people import Sender
from neonpay.ledger import open_ledger
from neonpay.store.people import People
from tests.integration.conftest import MovableClock

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Command


@pytest.mark.parametrize("what", ["payments", "requests", "subscriptions", "invoices"])
async def test_a_username_is_as_good_as_an_id(neonpay: Command, database_url: str, what: str) -> None:
    payment = (await neonpay.json("payments", "list", "--limit", "1"))[0]
    ledger = open_ledger(database_url)
    seen = People(ledger, neonpay.shop.account.id, clock=MovableClock())
    seen.saw(payment["user_id"], Sender("Ann_of_Town"))
    await seen.stop()
    await ledger.close()
    listed = await neonpay.json(what, "list", "--user", "@ann_of_town")
    assert listed == await neonpay.json(what, "list", "--user", str(payment["user_id"]))

    unknown = await neonpay(what, "list", "--user", "@nobody_here")
    assert unknown.exit_code == 3
    assert unknown.stderr.startswith("neonpay: nobody was seen with the username @nobody_here")
    assert "--user 123456789" in unknown.stderr
