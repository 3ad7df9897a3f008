"""Support as an extension: commands and buttons in the bot, and the jobs that show requests and tell what became of them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from neonpay.core.payments import Payment
from neonpay.core.ports import Command, Press
from neonpay.payments.consumers.selection import ANSWER_BUYER, ASK_ADMINS
from neonpay.payments.extension import Conversation, Extension, Host
from neonpay.payments.handlers.builtin_jobs import BuiltinJob, PutOff
from neonpay.payments.handlers.context import PaymentContext
from neonpay.payments.host import ShopHost
from neonpay.support.desk import SupportDesk, SupportRules, wants_press

logger = logging.getLogger("neonpay.support")

_SOON_S = 1.0


class Support(Extension):
    """Answers /paysupport by these rules; it is its own conversation."""

    name = "support"

    def __init__(self, rules: SupportRules) -> None:
        self._rules = rules
        self._desk: SupportDesk | None = None

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        """Talk to the buyers and the admins of the shop while it is open."""
        assert isinstance(host, ShopHost), "an extension of neonpay's own runs in neonpay's own host"
        desk = SupportDesk(self._rules, host.requests, host.adapter, host.outbox, host.teller)
        self._desk = desk
        if not self._rules.admins:
            logger.warning(
                "enable_support has no admins, so nobody is asked when a buyer wants Stars back; write "
                "create_neonpay(..., admins=[123456789]) or set NEONPAY_ADMINS=123456789, with your own user id; until then "
                "requests wait in: neonpay requests list"
            )
        try:
            yield
        finally:
            if self._desk is desk:  # and not that of a shop which was opened on another event loop meanwhile
                self._desk = None

    def conversation(self) -> Conversation:
        """Itself."""
        return self

    def jobs(self) -> Mapping[str, BuiltinJob]:
        """Those that every request is sent with."""
        return {ASK_ADMINS: self._ask_admins, ANSWER_BUYER: self._answer_buyer}

    def wants_command(self, text: str) -> bool:
        """Whether a message is a command that is answered here."""
        return self._rules.wants_command(text)

    def wants_press(self, data: str) -> bool:
        """Whether a button is one of ours."""
        return wants_press(data)

    async def command(self, command: Command) -> None:
        """Answer a command."""
        if self._desk is not None:
            await self._desk.command(command)

    async def press(self, press: Press) -> None:
        """Do what a button says."""
        if self._desk is not None:
            await self._desk.press(press)

    async def _ask_admins(self, payment: Payment, context: PaymentContext) -> None:
        await self._open_desk().ask_admins(payment, context)

    async def _answer_buyer(self, payment: Payment, context: PaymentContext) -> None:
        await self._open_desk().answer_buyer(payment, context)

    def _open_desk(self) -> SupportDesk:
        if self._desk is None:
            raise PutOff(_SOON_S)
        return self._desk
