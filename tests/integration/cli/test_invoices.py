"""``neonpay invoices``: what was offered, and ``neonpay.invoices.list``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.cli.conftest import Command
    from tests.integration.conftest import Shop


async def test_invoices_are_listed_newest_first_by_whatever_is_asked(shop: Shop) -> None:
    ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
    async with shop.polling():
        first = await shop.neonpay.send_payment(ann.id, "vip")
        shop.clock.advance(60) if shop.clock else None
        second = await shop.neonpay.send_payment(bob.id, "vip")
        shop.clock.advance(60) if shop.clock else None
        third = await shop.neonpay.create_payment_link("vip")
        await ann.pays(await ann.hears(shop.account))
        await shop.settles()
    made = shop.neonpay.invoices.list

    async def ids(**asked: object) -> list[str]:
        return [one.invoice_id for one in await made(**asked)]  # type: ignore[arg-type]

    assert await ids() == [third.invoice_id, second.invoice_id, first.invoice_id]
    assert await ids(limit=1) == [third.invoice_id]
    assert await ids(user_id=bob.id) == [second.invoice_id]
    assert await ids(state="sent", stage_id="vip", has_payments=True) == [first.invoice_id]
    assert await ids(has_payments=False) == [third.invoice_id, second.invoice_id]
    assert await ids(state="failed") == await ids(stage_id="nope") == []
    assert await ids(since=second.created_at, until=third.created_at) == [second.invoice_id]
    assert await ids(until=first.created_at + timedelta(seconds=1)) == [first.invoice_id]
    with pytest.raises(ValueError, match="nope"):
        await made(state="nope")


async def test_a_program_reads_invoices_without_their_payloads(neonpay: Command) -> None:
    listed = await neonpay.json("invoices", "list")
    assert len(listed) > 2
    assert {"invoice_id", "user_id", "state", "payments_count", "link"} <= listed[0].keys()
    assert "payload" not in listed[0]
    (one,) = await neonpay.json("invoices", "list", "--limit", "1", "--paid")
    assert one["payments_count"] > 0
    assert await neonpay.json("invoices", "list", "--user", "1") == []


async def test_the_last_line_says_how_many_there_are(neonpay: Command) -> None:
    listed = await neonpay.json("invoices", "list")
    assert (await neonpay("invoices", "list", "--limit", "1")).stdout.endswith(f"Invoices: 1 of {len(listed):,}\n")
    nothing = await neonpay("invoices", "list", "--state", "failed")
    assert nothing.stdout.startswith("No such invoices. Stages that were offered: ")


@pytest.mark.parametrize("asked", [{"limit": -1}, {"limit": 10**30}, {"state": "nonsense"}])
async def test_a_list_that_cannot_be_is_refused(open_shop: Callable[..., Shop], asked: dict[str, Any]) -> None:
    shop = open_shop()
    async with shop.neonpay:
        with pytest.raises(ValidationError):
            await shop.neonpay.invoices.list(**asked)
