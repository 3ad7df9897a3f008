"""Whoever wants to know of what is durable is told: the log, the program's listeners, and subscribers of extensions."""

from __future__ import annotations

from neonpay.core.events import Event
from neonpay.core.log_lines import tell_of
from neonpay.payments.delivery.nudging import Nudger
from neonpay.payments.delivery.prompting import Prompter
from neonpay.payments.listeners import Listeners


class Announcing:
    """Tells of the facts of one bot."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners
        self.prompter: Prompter | Nudger | None = None
        """Has subscribers told soon, here or by the programs that run; there is one once extensions can have subscribers."""

    @property
    def is_heard(self) -> bool:
        """Whether anybody but the log wants to know of facts; one that comes with every payment is not even made otherwise."""
        return self._listeners.are_there or (self.prompter is not None and self.prompter.waits)

    def announce(self, event: Event) -> None:
        """Tell of an event that is durable."""
        tell_of(event)
        self.pass_on(event)

    def pass_on(self, event: Event) -> None:
        """Tell of an event that has its line in the log already."""
        self._listeners.announce(event)
        if self.prompter is not None:
            self.prompter.announced(event)

    async def close(self) -> None:
        """Prompt nobody any more, but for what was announced already."""
        if self.prompter is not None:
            await self.prompter.close()
