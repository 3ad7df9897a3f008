"""Stars in motion, as the page shows them: checkouts under way, subscriptions, what has moved and what will."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from neonpay.simulator.control.checkout import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.money.subscriptions import Subscription
    from neonpay.simulator.world import World

    Json = Mapping[str, object]

_CHECKOUTS_MAX: Final = 30
_MOVED_MAX: Final = 200
_AHEAD_MAX: Final = 50


def checkouts(world: World) -> list[Json]:
    """The newest presses of Pay, oldest first; one under way is always among them."""
    newest = list(islice(reversed(world.checkouts.begun), 200))
    return [as_json(one) for place, one in enumerate(newest) if place < _CHECKOUTS_MAX or one.result is None][::-1]


def subscriptions(world: World) -> list[Json]:
    """Every subscription that has not ended."""
    return [
        {
            "bot_id": one.bot_id,
            "user_id": one.user_id,
            "charge_id": one.charge_id,
            "title": one.invoice.title,
            "amount_stars": one.amount_stars,
            "expires_at": one.expires_at.timestamp(),
            "state": one.state,
            "bot_canceled": one.bot_canceled,
        }
        for one in _all_subscriptions(world)
        if not one.ended
    ]


def moved(world: World) -> list[float]:
    """When Stars were paid, virtual Unix times, oldest first."""
    times = [
        payment.paid_at.timestamp() for bot in world.accounts.bots.values() for payment in world.till.payments(bot)
    ]
    return sorted(times)[-_MOVED_MAX:]


def agenda(world: World) -> list[Json]:
    """What time will bring, soonest first: deadlines, renewals, ends; ``kind`` says which."""
    ahead: list[tuple[float, Json]] = [
        (one.deadline.when, _due(one.deadline.when, "deadline", one.invoice.title, one.payer.id))
        for one in islice(reversed(world.checkouts.begun), 200)
        if one.result is None and one.deadline is not None
    ]
    for one in _all_subscriptions(world):
        if one.state in {"active", "canceled"}:
            at, kind = one.expires_at.timestamp(), "renewal" if one.state == "active" else "end"
            ahead.append((at, _due(at, kind, one.invoice.title, one.user_id)))
    return [due for _, due in sorted(ahead, key=lambda pair: pair[0])][:_AHEAD_MAX]


def _due(at: float, kind: str, title: str, user_id: int) -> Json:
    return {"at": at, "kind": kind, "title": title, "user_id": user_id}


def _all_subscriptions(world: World) -> list[Subscription]:
    return [one for bot in world.accounts.bots.values() for one in world.subscriptions.to(bot)]
