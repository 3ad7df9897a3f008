"""Where an adapter hands over what it has seen."""

from __future__ import annotations

from neonpay.app.house import House
from neonpay.core.namespaces import Awaiting, Namespace, verb
from neonpay.core.payload import is_ours
from neonpay.core.payments import Charge, PreCheckout, RefundNotice
from neonpay.core.ports import Command, Press
from neonpay.core.seen import SeenUpdate
from neonpay.core.subscriptions import SubscriptionChange


class Sink(Namespace[Awaiting]):
    """Hands the adapter's facts to the pipeline of the moment, on its own event loop; an ``UpdateSink``."""

    def __init__(self, mode: Awaiting, house: House) -> None:
        super().__init__(mode)
        self._house = house
        self._bot_id = house.adapter.bot_id

    def owns(self, bot_id: int, payload: str | None) -> bool:
        """Whether an update of this bot with this invoice payload is ours."""
        return bot_id == self._bot_id and is_ours(payload)

    @verb
    async def pre_checkout(self, query: PreCheckout) -> None:
        """Decide and answer."""
        await self._house.pipeline.pre_checkout(query)

    async def charged(self, charge: Charge) -> None:
        """Record a charge."""
        if self._house.is_here:  # as nearly always, and every payment pays for what is around it
            await self._house.pipeline.entrance.charged(charge)
        else:
            await self._charged(charge)

    @verb
    async def _charged(self, charge: Charge) -> None:
        await self._house.pipeline.entrance.charged(charge)

    @verb
    async def refunded(self, notice: RefundNotice) -> None:
        """Record a refund."""
        await self._house.pipeline.entrance.refunded(notice)

    @verb
    async def subscription_changed(self, change: SubscriptionChange) -> None:
        """Record what Telegram tells of a subscription."""
        await self._house.pipeline.entrance.subscription_changed(change)

    def wants_command(self, bot_id: int, text: str, user_id: int) -> bool:
        """Whether a message of this bot, by this user, is a command that we answer."""
        return bot_id == self._bot_id and self._house.extensions.answering(text, user_id) is not None

    def wants_press(self, bot_id: int, data: str) -> bool:
        """Whether a button of this bot is ours."""
        return bot_id == self._bot_id and self._house.extensions.pressed(data) is not None

    @verb
    async def command(self, command: Command) -> None:
        """Answer a command that was wanted."""
        await self._house.pipeline.open()
        conversation = self._house.extensions.answering(command.text, command.user_id)
        if conversation is not None:
            self._house.pipeline.people.asks(command.user_id, command.sender)
            await conversation.command(command)

    @verb
    async def press(self, press: Press) -> None:
        """Do what a button says."""
        await self._house.pipeline.open()
        conversation = self._house.extensions.pressed(press.data)
        if conversation is not None:
            await conversation.press(press)

    def seen(self, update: SeenUpdate) -> None:
        """Tell the extensions that want to know."""
        self._house.extensions.see(update)

    def host_is_up(self) -> None:
        """The host is at work on the running event loop."""
        starter = self._house.starter
        if starter is not None and not starter.is_over:
            starter.host_is_up()

    @verb
    async def open(self) -> None:
        """The host starts."""
        await self._house.pipeline.open()

    @verb
    async def close(self) -> None:
        """The host stops."""
        await self._house.close()
