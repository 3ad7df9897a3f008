"""Payments are settled for what is true now, however often, by whom, and in which company they are shown."""

from __future__ import annotations

import asyncio

from neonpay.testing._extension_base import ExtensionFixtures, NewShop
from neonpay.testing._extension_shop import ExtensionShop

_SALES = 6


class SettlingRules(ExtensionFixtures):
    """``settle`` makes rows right, and does not count how often it was asked."""

    async def test_a_payment_that_is_shown_again_changes_nothing_more(self, shop: ExtensionShop) -> None:
        program, charge_ids = await shop.sold(3)
        await program.shows(charge_ids, is_new=True)
        first = await self.left(program), await shop.events(program)
        # As after a COMMIT whose answer was lost, and as by a job beside it.
        for is_new in (True, False, False):
            await program.shows(charge_ids, is_new=is_new)
        assert (await self.left(program), await shop.events(program)) == first

    async def test_a_unit_that_was_undone_and_runs_again_leaves_what_one_run_leaves(self, new_shop: NewShop) -> None:
        once, undone = await new_shop(), await new_shop()
        _, charge_ids = await once.sold(3)
        first = await once.opened(withholds=True)
        verdicts = await first.shows(charge_ids, is_new=True)

        program, charge_ids = await undone.sold(3)
        for _ in range(3):
            await program.shows(charge_ids, is_new=True, is_undone=True)
        assert await program.shows(charge_ids, is_new=True) == verdicts
        assert await self.left(program) == await self.left(first)

    async def test_a_batch_is_settled_as_its_payments_one_by_one(self, new_shop: NewShop) -> None:
        alone, together = await new_shop(), await new_shop()
        first, charge_ids = await alone.sold(_SALES)
        verdicts: dict[str, str] = {}
        for charge_id in charge_ids:
            verdicts |= await first.shows([charge_id], is_new=True)

        program, charge_ids = await together.sold(_SALES)
        assert await program.shows(charge_ids, is_new=True) == verdicts
        assert await self.left(program) == await self.left(first)

    async def test_workers_that_are_shown_the_same_payments_at_once_leave_what_one_leaves(
        self, new_shop: NewShop
    ) -> None:
        alone, crowded = await new_shop(), await new_shop()
        first, charge_ids = await alone.sold(_SALES)
        await first.shows(charge_ids, is_new=True)

        program, charge_ids = await crowded.sold(_SALES)
        workers = [program, await crowded.opened(withholds=True), await crowded.opened(withholds=True)]
        backwards = charge_ids[::-1]
        await asyncio.gather(*[worker.shows(charge_ids[n::3], is_new=True) for n, worker in enumerate(workers)])
        await asyncio.gather(
            *[worker.shows(order) for worker in workers for order in (charge_ids, backwards, charge_ids[2:])]
        )
        assert await self.left(program) == await self.left(first)

    async def test_a_refund_that_comes_before_the_settlement_ends_as_one_that_comes_after(
        self, new_shop: NewShop
    ) -> None:
        in_order, late = await new_shop(), await new_shop()
        first = await in_order.opened()
        charge_ids = await in_order.sells(first, 2)
        for charge_id in charge_ids:
            await first.neonpay.refund(charge_id)
        await in_order.passes(first, charge_ids)

        program, charge_ids = await late.sold(2)
        for charge_id in charge_ids:
            await program.neonpay.refund(charge_id)
        program.withholds = False
        await late.passes(program, charge_ids)
        assert set(program.settled.values()) <= {"refunded"}, "what is settled late is shown as it is now"
        assert await self.left(program) == await self.left(first)
