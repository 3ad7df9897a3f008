"""Stars in motion, as the page shows them: checkouts under way, subscriptions, what has moved and what will."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from neonpay.simulator.control_checkout import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.subscriptions import Subscription
    from neonpay.simulator.world import World

    Json = Mapping[str, object]

_CHECKOUTS_MAX: Final = 30
_MOVED_MAX: Final = 200


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
    ahead: list[dict[str, object]] = [
        {"at": one.deadline.when, "kind": "deadline", "title": one.invoice.title, "user_id": one.payer.id}
        for one in islice(reversed(world.checkouts.begun), 200)
        if one.result is None and one.deadline is not None
    ]
    for one in _all_subscriptions(world):
        if one.state in {"active", "canceled"}:
            kind = "renewal" if one.state == "active" else "end"
            ahead.append({
                "at": one.expires_at.timestamp(), "kind": kind, "title": one.invoice.title, "user_id": one.user_id,
            })  # fmt: skip
    return sorted(ahead, key=lambda one: float(str(one["at"])))[:50]


def _all_subscriptions(world: World) -> list[Subscription]:
    return [one for bot in world.accounts.bots.values() for one in world.subscriptions.to(bot)]
