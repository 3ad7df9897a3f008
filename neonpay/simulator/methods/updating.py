"""How a bot gets its updates: getUpdates and webhooks."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.core.limits import GET_UPDATES_LIMIT, GET_UPDATES_TIMEOUT_MAX_S
from neonpay.simulator.refusal import conflict
from neonpay.simulator.requests import Done, Method, Request

if TYPE_CHECKING:
    from collections.abc import Mapping


async def get_updates(request: Request) -> Done:
    """Hand out what waits; ``limit``, ``timeout`` and ``offset`` are clamped, never refused (SRV)."""
    params, box = request.params, request.world.postbox(request.bot)
    if box.webhook is not None:
        raise conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
    remember_allowed_updates(request)
    batch = await box.poller.poll(
        offset=params.integer("offset"),
        limit=params.integer("limit", GET_UPDATES_LIMIT, minimum=1, maximum=GET_UPDATES_LIMIT),
        timeout_s=params.integer("timeout", minimum=0, maximum=GET_UPDATES_TIMEOUT_MAX_S),
    )
    return Done([update.body for update in batch])


def remember_allowed_updates(request: Request) -> None:
    """Keep the list that came; without one, the list of before stays (API); what is no list is ignored (SRV)."""
    if not request.params.has("allowed_updates"):
        return
    wanted = request.params.json("allowed_updates", "allowed updates")
    if isinstance(wanted, list):
        request.world.postbox(request.bot).queue.allow(wanted)


METHODS: Final[Mapping[str, Method]] = MappingProxyType({"getUpdates": get_updates})
