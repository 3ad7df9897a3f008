"""What an extension leaves when it fails, when its program dies, and when a program of the shop lacks it."""

from __future__ import annotations

import asyncio
from typing import Any

from neonpay.core.payments import PaymentState
from neonpay.core.seen import SeenKind, SeenUpdate
from neonpay.payments.extension import HOOKS, overrides
from neonpay.testing._extension_base import ExtensionFixtures, NewShop
from neonpay.testing._extension_shop import ExtensionShop


class FaultRules(ExtensionFixtures):
    """Money that arrived is recorded and delivered whatever happens to an extension, and it is asked again."""

    async def _sold_at_once(self, shop: ExtensionShop) -> object:
        """What the extension has when nothing goes wrong."""
        program = await shop.opened()
        await shop.passes(program, await shop.sells(program))
        return await self.left(program)

    async def test_a_hook_that_raises_leaves_the_payment_delivered_and_is_asked_again(self, new_shop: NewShop) -> None:
        expected = await self._sold_at_once(await new_shop())
        shop = await new_shop()
        program, charge_ids = await shop.sold()
        payments = [await program.neonpay.payments.get(charge_id) for charge_id in charge_ids]
        assert [payment.state for payment in payments] == [PaymentState.ACCEPTED]
        assert await program.delivered.has() == charge_ids
        program.withholds = False
        await shop.passes(program, charge_ids)
        assert await self.left(program) == expected

    async def test_what_a_program_had_not_settled_when_it_died_is_settled_by_the_next(self, new_shop: NewShop) -> None:
        expected = await self._sold_at_once(await new_shop())
        shop = await new_shop()
        dead, charge_ids = await shop.sold()
        await dead.dies()
        await shop.outlives_leases()
        program = await shop.opened()
        await shop.passes(program, charge_ids)
        assert await self.left(program) == expected

    async def test_it_may_be_entered_again_without_having_been_left(self, new_shop: NewShop) -> None:
        expected = await self._sold_at_once(await new_shop())
        shop = await new_shop()
        program = await shop.opened()
        async with program.entered_again():
            await shop.passes(program, await shop.sells(program))
        assert await self.left(program) == expected

    async def test_what_a_program_without_it_records_is_settled_by_those_that_have_it(self, new_shop: NewShop) -> None:
        expected = await self._sold_at_once(await new_shop())
        shop = await new_shop()
        seller, helper = await shop.opened(), await shop.opened()
        lacking = await shop.opened(has_it=False)
        assert seller.extension is not None
        guards = overrides(seller.extension, "quote") or overrides(seller.extension, "hold")
        async with shop.receiving(lacking):
            outcome = await shop.pays(await shop.visitor(), seller)
            await shop.telegram.idle(shop.account)
        if guards:  # a program that does not know the rules of a sale makes none
            assert outcome.status != "paid"
            return
        assert outcome.status == "paid"
        await shop.passes(seller, [outcome.charge_id or ""])
        assert await self.left(helper) == expected

    async def test_it_may_be_told_of_an_update_in_any_thread_and_before_the_shop_opens(
        self, shop: ExtensionShop
    ) -> None:
        program = shop.program()
        extension = program.extension
        assert extension is not None
        if overrides(extension, "seen"):
            for update in _updates(shop):
                extension.seen(update)
                await asyncio.to_thread(extension.seen, update)
        async with shop.receiving(program):
            await shop.visitor()
            await shop.telegram.idle(shop.account)
        assert program.neonpay.get_stats()["seen_faults"] == 0

    async def test_what_it_does_not_override_is_never_called(self, shop: ExtensionShop) -> None:
        program = shop.program()
        extension = program.extension
        assert extension is not None
        called: list[str] = []
        for hook in HOOKS:
            if not overrides(extension, hook):
                setattr(extension, hook, _noting(called, hook))
        await program.neonpay.setup()
        charge_ids = await shop.sells(program)
        await program.neonpay.refund(charge_ids[0])
        await shop.passes(program, charge_ids)
        assert called == []


def _updates(shop: ExtensionShop) -> list[SeenUpdate]:
    """One of each kind, with as little in it as Telegram may tell."""
    return [
        SeenUpdate(shop.account.id, 7, None, kind, command, None, None, 1_800_000_000_000_000, None)
        for kind in SeenKind
        for command in (None, "start")
    ]


def _noting(called: list[str], hook: str) -> Any:
    def note(*_: object) -> None:
        called.append(hook)

    return note
