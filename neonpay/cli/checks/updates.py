"""Whether the updates that carry money reach the bot, by what Telegram says of its webhook and of its queue."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from neonpay.cli.checks.check import Check, ok, problem, skipped, warning
from neonpay.core.clock import moment
from neonpay.core.jsontext import JsonValue
from neonpay.core.limits import GET_UPDATES_LIMIT, UPDATE_TTL_S

PENDING_WARNING = GET_UPDATES_LIMIT
"""As many updates as one getUpdates hands out: a bot that runs and keeps up never has them waiting."""


class Receives(enum.StrEnum):
    """How a bot gets its updates."""

    POLLING = "polling"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the owner says of the bot.

    Attributes:
        receives: how it gets its updates; None when not told.
        subscriptions: whether it sells subscriptions.
    """

    receives: Receives | None = None
    subscriptions: bool = False


def updates_checks(info: Mapping[str, JsonValue], *, expected: Expected, now_us: int) -> list[Check]:
    """The four checks ``updates.*`` of a WebhookInfo (https://core.telegram.org/bots/api#webhookinfo, read 2026-11-20)."""
    return [
        _allowed(info.get("allowed_updates"), expected),
        _webhook(str(info.get("url") or ""), expected),
        _errors(info, now_us),
        _pending(_whole(info.get("pending_update_count"))),
    ]


def _allowed(listed: JsonValue, expected: Expected) -> Check:
    """Telegram keeps the last list that it was given, until it is given another."""
    name = "updates.allowed"
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        return ok(name, "Telegram sends every kind of update that it sends unasked, payments among them")
    wanted = ["pre_checkout_query", "message"] + (["subscription"] if expected.subscriptions else [])
    missing = [kind for kind in wanted if kind not in listed]
    if not missing:
        return ok(name, f"Telegram sends {', '.join(wanted)}, which neonpay needs")
    return problem(
        name,
        f"Telegram does not send {', '.join(missing)}: allowed_updates has only {', '.join(map(str, listed))}",
        f"add {', '.join(missing)} to the allowed_updates of the bot's polling or setWebhook; Telegram keeps the last list "
        "until it is given another",
    )


def _webhook(url: str, expected: Expected) -> Check:
    name = "updates.webhook"
    if not url:
        if expected.receives is Receives.WEBHOOK:
            return problem(name, "no webhook is set, so no update comes", "call setWebhook when the bot starts")
        return ok(name, "no webhook is set; a bot that polls gets the updates")
    # The path of a webhook often is a secret, the bot's token even.
    host = urlsplit(url).hostname or "an address that cannot be read"
    if expected.receives is Receives.POLLING:
        advice = "call deleteWebhook, and see who else has the token and set it"
        return problem(name, f"updates go to a webhook at {host}, and getUpdates is refused", advice)
    return ok(name, f"updates go to a webhook at {host}")


def _errors(info: Mapping[str, JsonValue], now_us: int) -> Check:
    name = "updates.errors"
    at_s, words = _whole(info.get("last_error_date")), " ".join(str(info.get("last_error_message") or "").split())
    if not info.get("url"):
        return skipped(name, "there is no webhook that could fail")
    if not at_s:
        return ok(name, "Telegram tells of no failed delivery")
    at_us = at_s * 1_000_000
    finding = f"the last failed delivery was at {moment(at_us):%Y-%m-%d %H:%M} UTC: {words or 'no reason given'}"
    if now_us - at_us > UPDATE_TTL_S * 1_000_000:
        return ok(name, f"{finding}; nothing that failed then is still to come")
    advice = "look into the bot's log of that time; the webhook has to answer 200 within a minute"
    if _whole(info.get("pending_update_count")):
        return problem(name, f"{finding}; updates are waiting", advice)
    return warning(name, finding, advice)


def _pending(count: int) -> Check:
    name = "updates.pending"
    finding = f"{count} {'update waits' if count == 1 else 'updates wait'} to be taken"
    if count < PENDING_WARNING:
        return ok(name, finding)
    return warning(
        name, finding, f"see whether the bot runs and keeps up; Telegram drops them after {UPDATE_TTL_S // 3600} h"
    )


def _whole(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0
