"""How a bot gets its updates: getUpdates and webhooks."""

from __future__ import annotations

import string
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.core.limits import GET_UPDATES_LIMIT, GET_UPDATES_TIMEOUT_MAX_S, WEBHOOK_SECRET_MAX_CHARS
from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.updates.webhook import WebhookSettings
from neonpay.simulator.wire.loopback import is_address, is_loopback
from neonpay.simulator.wire.objects import build_from, dump
from neonpay.simulator.wire.params import Params, strict_json
from neonpay.simulator.wire.refusal import Unreadable, bad_request, conflict, not_simulated, too_many_requests
from neonpay.simulator.wire.urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Mapping


MAX_CONNECTIONS_DEFAULT: Final = 40
"""Deliveries at once when the bot does not say (API, setWebhook)."""
MAX_CONNECTIONS_MAX: Final = 100
"""Most of them (API, setWebhook)."""
PORTS: Final = frozenset({80, 88, 443, 8443})
"""Ports at which Telegram reaches a webhook (https://core.telegram.org/bots/webhooks, read 2026-11-20)."""
_SECRET_LETTERS: Final = frozenset(string.ascii_letters + string.digits + "_-")


@simulated("Long polling, offsets, `allowed_updates`, lifetimes and both conflicts as the server has them.")
async def get_updates(request: Request) -> Done:
    """Hand out what waits; ``limit``, ``timeout`` and ``offset`` are clamped, never refused (SRV)."""
    params, box = request.params, request.world.postbox(request.bot)
    if box.webhook is not None:
        raise conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        )
    remember_allowed_updates(request)
    batch = await box.poller.poll(
        offset=params.integer("offset"),
        limit=params.integer("limit", GET_UPDATES_LIMIT, minimum=1, maximum=GET_UPDATES_LIMIT),
        timeout_s=params.integer("timeout", minimum=0, maximum=GET_UPDATES_TIMEOUT_MAX_S),
    )
    return Done([update.body for update in batch])


def remember_allowed_updates(request: Request) -> None:
    """Keep the list that came; without one, the list of before stays (API); what is no list is ignored (SRV)."""
    text = request.params.values.get("allowed_updates", "")
    box = request.world.postbox(request.bot)
    if text == box.allowed_updates:
        return  # a bot that polls says it with every call
    try:
        wanted = strict_json(text)
    except ValueError:
        return
    if isinstance(wanted, list):
        box.allowed_updates = text
        box.queue.allow(wanted)


@simulated(
    "Delivery, retries, secret header and answers in the reply as the server has them; addresses of this machine may have any "
    "scheme and port.",
    refuses="A certificate of the bot's own.",
)
async def set_webhook(request: Request) -> Done:
    """Have updates sent to an address; an empty one is deleteWebhook."""
    params, world = request.params, request.world
    url = params.text("url")
    if not url:
        return await delete_webhook(request)
    _check_url(url)
    settings = WebhookSettings(
        url,
        _secret_token(params),
        params.integer("max_connections", MAX_CONNECTIONS_DEFAULT, minimum=1, maximum=MAX_CONNECTIONS_MAX),
        params.text("ip_address"),
    )
    if params.has("certificate"):
        raise not_simulated("parameter certificate")
    box = world.postbox(request.bot)
    drops = params.boolean("drop_pending_updates")
    unchanged = box.webhook is not None and box.webhook.settings == settings and not drops
    if not unchanged:
        now = world.clock.now()
        if box.webhook_set_at is not None and now - box.webhook_set_at < 1:
            raise too_many_requests(1)  # SRV: one change a second
        box.webhook_set_at = now
    remember_allowed_updates(request)
    if drops:
        box.queue.drop_all()
    if unchanged:
        return Done(True, "Webhook is already set")
    box.poller.interrupt(conflict("terminated by setWebhook request"))
    await world.set_webhook(request.bot, settings)
    return Done(True, "Webhook was set")


@simulated("As the Bot API has it.")
async def delete_webhook(request: Request) -> Done:
    """Let the bot poll again."""
    box = request.world.postbox(request.bot)
    if request.params.boolean("drop_pending_updates"):
        box.queue.drop_all()
    if box.webhook is None:
        return Done(True, "Webhook is already deleted")
    await request.world.set_webhook(request.bot, None)
    return Done(True, "Webhook was deleted")


@simulated("With the last error.")
def get_webhook_info(request: Request) -> Done:
    """Where updates go; ``allowed_updates`` is told whenever it is not the default, also without a webhook (SRV)."""
    box = request.world.postbox(request.bot)
    fields: dict[str, object] = {
        "url": "",
        "has_custom_certificate": False,
        "pending_update_count": len(box.queue.pending()),
    }
    if box.webhook is not None:
        settings = box.webhook.settings
        fields |= {"url": settings.url, "max_connections": settings.max_connections}
        fields["ip_address"] = settings.told_ip_address
        if box.webhook.last_error is not None:
            at, message = box.webhook.last_error
            fields |= {"last_error_date": int(at), "last_error_message": message}
    if not box.queue.allowed_is_default:
        fields["allowed_updates"] = sorted(box.queue.allowed)
    return Done(dump(build_from(types.WebhookInfo, fields)))


def _check_url(url: str) -> None:
    try:
        read = parse_url(url, protocol="https")
    except Unreadable as unreadable:
        raise bad_request("invalid webhook URL specified") from unreadable
    # Unlike Telegram, an address on this machine may have any scheme and port: that is where the bot under test runs.
    if is_loopback(read.host):
        return
    if read.protocol != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")  # SRV
    if read.port and read.port not in PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")  # SRV
    if "." not in read.host and not is_address(read.host):
        raise bad_request(
            "bad webhook: Failed to resolve host: Name or service not known"
        )  # seen live; nobody has such a name


def _secret_token(params: Params) -> str:
    secret = params.text("secret_token")
    if len(secret.encode()) > WEBHOOK_SECRET_MAX_CHARS:
        raise bad_request("secret token is too long")
    if not _SECRET_LETTERS.issuperset(secret):
        raise bad_request("secret token contains unallowed characters")
    return secret


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "deleteWebhook": delete_webhook,
        "getUpdates": get_updates,
        "getWebhookInfo": get_webhook_info,
        "setWebhook": set_webhook,
    }
)
