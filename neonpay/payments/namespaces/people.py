"""``neonpay.people``: what is kept about one person, given out or removed."""

from __future__ import annotations

import logging

from neonpay.core.clock import moment
from neonpay.core.jsontext import JsonObject
from neonpay.core.namespaces import M, verb
from neonpay.core.payers import whole_id
from neonpay.payments.erasing import erase_there
from neonpay.payments.erasure import Erased, erase_person, export_person, remove_soft
from neonpay.payments.extensions_used import Extensions
from neonpay.payments.namespaces.served import Opened, Served
from neonpay.store.forgotten import begin_forgetting

logger = logging.getLogger("neonpay.payments")


class People(Served[M], path="people"):
    """What is kept about one person."""

    def __init__(self, mode: M, opened: Opened, extensions: Extensions) -> None:
        super().__init__(mode, opened)
        self._extensions = extensions

    @verb
    async def export(self, user_id: int) -> JsonObject:
        """Everything that the ledger has about a person, as JSON: names, payments, words, notes, what they did.

        Raises:
            ValidationError: it is no user id.
            LedgerError: the ledger cannot be read.
        """
        whole_id("user_id", user_id)
        pipeline = await self._opened()
        await pipeline.beside.write()
        # Extensions are other people's code, and may block.
        return await pipeline.ledger.apart.read(export_person, pipeline.adapter.bot_id, user_id, self._extensions)

    @verb
    async def erase(self, user_id: int) -> Erased:
        """Remove what is kept about a person beside the books; safe to call again.

        Names, the languages in which they paid, where they came from, soft events, notes on their payments, and what was said
        in requests for refunds are gone, and so is what each extension removes; ``to_do`` says what programs that use one have
        still to do.

        Payments, refunds, the journal and facts stay, with the bare user id: seals and proofs are as before. A block stays
        without its reason. Whoever writes to the bot again is seen again. A name that another program of the shop has seen in
        the last half minute may be written after this, so erase again then.

        Raises:
            ValidationError: it is no user id.
            ExtensionError: an extension that this program does not use keeps rows about the person; nothing but soft events
                and what erasers remove is gone.
            LedgerError: the database failed; call again.
        """
        whole_id("user_id", user_id)
        pipeline = await self._opened()
        await pipeline.beside.write()
        bot_id, ledger, soft = pipeline.adapter.bot_id, pipeline.ledger, 0
        # First, so that what another program has still to write of before finds it.
        at_us = await ledger.run(begin_forgetting, bot_id, user_id, pipeline.clock.now_us())
        while count := await ledger.run(remove_soft, bot_id, user_id):
            soft += count
        there = await erase_there(ledger, bot_id, user_id, moment(at_us), self._extensions)
        erased = await ledger.apart.run(erase_person, bot_id, user_id, self._extensions, set(there))
        logger.info("bot %d: what was kept about a person is removed", bot_id)
        removed = {**erased.removed, **({"soft_events": soft} if soft else {})}
        to_do = []
        for one in there.values():
            removed.update(one.removed)
            to_do += [one.to_do] if one.to_do is not None else []
        return Erased(user_id=user_id, removed=removed, kept=erased.kept, to_do=tuple(to_do))
