"""What is set aside is set aside once, and let go of once; what is told twice counts once."""

from __future__ import annotations

from neonpay.core.events import Event
from neonpay.payments.extension import Asked, Claim, Quote, Release, Released, overrides
from neonpay.payments.gates import Refusal
from neonpay.testing._extension_base import ExtensionFixtures
from neonpay.testing._extension_shop import STAGE_ID, ExtensionShop, Program

_PRICE_STARS = 50


class HoldingRules(ExtensionFixtures):
    """A claim that comes again holds what it has held."""

    async def _quote(self, program: Program, user_id: int) -> Quote | Refusal:
        """What the extension quotes for an offer of the suite; the price of the stage where it quotes nothing."""
        extension, plain = program.extension, Quote(price_stars=_PRICE_STARS)
        assert extension is not None
        if not overrides(extension, "quote"):
            return plain
        asked = Asked(stage_id=STAGE_ID, user_id=user_id, payer_id=user_id, metadata=dict(self.payload))
        quoted = await program.asks(lambda lent: extension.quote(lent, asked, plain))
        assert isinstance(quoted, Quote | Refusal)
        return quoted

    async def _claims(self, shop: ExtensionShop, program: Program) -> list[Claim]:
        """An invoice that was made, and one that is about to be written."""
        buyer = await shop.visitor()
        quote = await self._quote(program, buyer.id)
        assert isinstance(quote, Quote), f"the extension keeps the suite from selling: {quote}"
        made = await program.neonpay.create_payment_link(STAGE_ID, user_id=buyer.id, payload=dict(self.payload))
        return [
            Claim(
                claim_id=claim_id,
                invoice_id=made.invoice_id,
                stage_id=STAGE_ID,
                price_stars=quote.price_stars,
                user_id=buyer.id,
                terms=quote.terms,
            )
            for claim_id in (made.invoice_id, f"approval of {made.invoice_id}")
        ]

    async def test_an_offer_that_is_asked_for_again_is_quoted_alike(self, shop: ExtensionShop) -> None:
        program = await shop.opened()
        buyer = await shop.visitor()
        first = await self._quote(program, buyer.id)
        assert await self._quote(program, buyer.id) == first

    async def test_a_claim_that_comes_again_holds_what_it_has_held(self, shop: ExtensionShop) -> None:
        program = await shop.opened()
        extension = program.extension
        assert extension is not None
        if not overrides(extension, "hold"):
            return
        claims = await self._claims(shop, program)
        first = await program.asks(lambda lent: extension.hold(lent, claims))
        held = await self.left(program), await shop.events(program)
        assert await program.asks(lambda lent: extension.hold(lent, claims)) == first
        alone: dict[str, Refusal] = {}
        for one in ([claim] for claim in claims):
            alone |= await program.asks(lambda lent, one=one: extension.hold(lent, one))  # type: ignore[misc]
        assert alone == first
        assert (await self.left(program), await shop.events(program)) == held

    async def test_what_is_let_go_of_again_or_was_never_held_changes_nothing_more(self, shop: ExtensionShop) -> None:
        program = await shop.opened()
        extension = program.extension
        assert extension is not None
        if not overrides(extension, "let_go"):
            return
        claims = await self._claims(shop, program)
        if overrides(extension, "hold"):
            await program.asks(lambda lent: extension.hold(lent, claims))
        over = [Released(claim_id=one.claim_id, invoice_id=one.invoice_id, user_id=one.user_id) for one in claims]
        never = Released(claim_id="never held", invoice_id=None, user_id=None)
        await program.asks(lambda lent: extension.let_go(lent, over, Release.EXPIRED))
        free = await self.left(program), await shop.events(program)
        for why in Release:
            await program.asks(lambda lent, why=why: extension.let_go(lent, [*over, never], why))  # type: ignore[misc]
        assert (await self.left(program), await shop.events(program)) == free

    async def test_a_subscriber_that_is_told_again_changes_nothing_more(self, shop: ExtensionShop) -> None:
        program = shop.program()
        extension = program.extension
        assert extension is not None
        told: list[Event] = []
        program.neonpay.on(Event)(told.append)
        await program.neonpay.setup()
        charge_ids = await shop.sells(program)
        await shop.passes(program, charge_ids)
        await program.neonpay.refund(charge_ids[0])
        await shop.passes(program, charge_ids)
        await program.neonpay.program.drain()
        for subscriber in extension.subscribers():
            its = [event for event in told if event.name in subscriber.events]
            for event in its:
                await subscriber.run(event)
            once = await self.left(program), await shop.events(program)
            for event in reversed(its):
                await subscriber.run(event)
            assert (await self.left(program), await shop.events(program)) == once
