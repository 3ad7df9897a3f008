"""What the buttons under alerts do, once each, whoever presses them and however often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from neonpay.app.house import House
from neonpay.app.once import Effects
from neonpay.core.jsontext import JsonValue
from neonpay.core.payments import RefundState
from neonpay.notifications.desk import Deeds, Done

_PATIENCE_S = 5.0
"""How long somebody who presses waits for somebody else who was quicker."""


def deeds(house: House, effects: Effects) -> Deeds:
    """The deeds of a program."""

    async def once(what: str, event_id: str, by: str, act: Callable[[], Awaitable[bool]]) -> Done:
        @effects.once(f"neonpay.alerts:{what}:{event_id}", _PATIENCE_S)
        async def do() -> list[JsonValue]:
            return [by, await act()]

        who, is_over = await do()
        return Done(by=str(who), is_over=bool(is_over))

    async def retry(event_id: str, charge_id: str, by: str) -> Done:
        async def act() -> bool:
            pipeline = await house.opened()
            await pipeline.decisions.retry(charge_id, handler=None)
            pipeline.fulfilment.changed.set()
            return True

        return await once("retry", event_id, by, act)

    def accepting(what: str, *, is_delivered: bool) -> Callable[[str, str, str], Awaitable[Done]]:
        async def accept(event_id: str, charge_id: str, by: str) -> Done:
            async def act() -> bool:
                pipeline = await house.opened()
                _, is_new = await pipeline.decisions.accept(charge_id, is_delivered=is_delivered)
                pipeline.fulfilment.changed.set()
                return is_new

            return await once(what, event_id, by, act)

        return accept

    async def refund(event_id: str, charge_id: str, by: str) -> Done:
        async def act() -> bool:
            pipeline = await house.opened()
            made = await pipeline.refunds.refund(charge_id, reason=None, requested_by=by)
            return made.state is RefundState.REFUNDED

        return await once("refund", event_id, by, act)

    return Deeds(
        retry=retry,
        accept=accepting("accept", is_delivered=False),
        had=accepting("had", is_delivered=True),
        refund=refund,
    )
