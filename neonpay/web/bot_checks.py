"""What is looked at of each bot: what Telegram says of it, and how its books stand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from neonpay.core.clock import stopwatch_s
from neonpay.core.text import error_words
from neonpay.core.transactions import NANOSTARS
from neonpay.errors import NeonPayError
from neonpay.monitoring.health import LEDGER_S
from neonpay.monitoring.standing import Standing, read_standings
from neonpay.web.acting import speaks
from neonpay.web.durations import duration

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.web.speech import Speech

logger = logging.getLogger("neonpay.web")

_CHECKOUT: Final = "pre_checkout_query"
_PATIENCE_S: Final = 3.0
_KEPT_S: Final = 60.0
_LATE_S: Final = 300.0
"""How long work that is due may wait until somebody ought to look."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line: whether it is well, what was looked at, and what was found."""

    is_well: bool
    what: str
    found: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    """What Telegram has said of a bot, and when it was asked."""

    at_s: float
    answer_s: float | None
    webhook: Mapping[str, object]


class BotChecks:
    """Looks at bots; Telegram is asked once a minute at most, however many look."""

    def __init__(self) -> None:
        self._told: dict[int, _Told] = {}

    async def of(self, w: Speech, shop: NeonPayCore, *, reads_books: bool) -> list[Check]:
        """The checks of one bot, in the reader's language.

        Args:
            reads_books: False where the ledger has not answered a moment ago.
        """
        found = [*await self._telegram(w, shop)]
        standing = await _standing(shop) if reads_books else None
        if standing is None:
            return [*found, Check(is_well=False, what=w("bots.unread"))]
        return [*found, *_books(w, standing)]

    async def _telegram(self, w: Speech, shop: NeonPayCore) -> list[Check]:
        if not speaks(shop) or not shop.program.pipeline.is_open:
            return [Check(is_well=True, what=w("bots.no_token"))] if not speaks(shop) else []
        told = self._told.get(shop.program.adapter.bot_id)
        if told is None or stopwatch_s() - told.at_s > _KEPT_S:
            told = self._told[shop.program.adapter.bot_id] = await _ask(shop)
        if told.answer_s is None:
            return [Check(is_well=False, what=w("bots.no_answer"))]
        return [
            Check(is_well=True, what=w("bots.answers"), found=duration(w, timedelta(seconds=told.answer_s))),
            *_updates(w, told.webhook),
        ]


def _updates(w: Speech, webhook: Mapping[str, object]) -> list[Check]:
    url, allowed, pending = webhook.get("url"), webhook.get("allowed_updates"), webhook.get("pending_update_count")
    way = w("bots.by_webhook" if url else "bots.by_polling")
    is_deaf = isinstance(allowed, list) and bool(allowed) and _CHECKOUT not in allowed
    found = [Check(is_well=not is_deaf, what=w("bots.no_checkouts" if is_deaf else "bots.receives"), found=way)]
    if isinstance(pending, int):
        found.append(Check(is_well=True, what=w("bots.pending"), found=w.number(pending)))
    if url and webhook.get("last_error_message"):
        found.append(Check(is_well=False, what=w("bots.webhook_error")))
    return found


def _books(w: Speech, standing: Standing) -> list[Check]:
    ago, gap, balance = standing.compared_s, standing.gap_stars, standing.balance_nanostars
    compared = w("bots.never") if ago is None else w("bots.compared_ago", length=_length(w, ago))
    needs, late = standing.attention.payments, standing.lag_s
    found = [
        Check(
            is_well=True,
            what=w("bots.balance"),
            found=w("bots.unknown") if balance is None else w.number(balance // NANOSTARS),
        ),
        Check(is_well=ago is not None, what=w("bots.compared"), found=compared),
    ]
    if gap is not None:
        found.append(Check(is_well=not gap, what=w("bots.gap" if gap else "bots.no_gap"), found=w.number(gap)))
    due = w("bots.due_for", length=_length(w, late)) if late else w("bots.none_due")
    return [
        *found,
        Check(is_well=not needs, what=w("bots.needs"), found=w.number(needs)),
        Check(is_well=late < _LATE_S, what=w("bots.due"), found=due),
    ]


def _length(w: Speech, seconds: float) -> str:
    return duration(w, timedelta(seconds=seconds))


async def _ask(shop: NeonPayCore) -> _Told:
    began_s = stopwatch_s()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await shop.program.adapter.call("getMe", {})
            answer_s = stopwatch_s() - began_s
            webhook = await shop.program.adapter.call("getWebhookInfo", {})
    except (NeonPayError, TimeoutError) as exc:
        logger.debug("the page of bots: Telegram did not answer: %s", error_words(exc))
        return _Told(stopwatch_s(), None, {})
    return _Told(stopwatch_s(), answer_s, webhook if isinstance(webhook, dict) else {})


async def _standing(shop: NeonPayCore) -> Standing | None:
    try:
        ledger, bot_id = shop.program.pipeline.ledger, shop.program.adapter.bot_id
        found: Sequence[Standing] = await ledger.report(LEDGER_S, read_standings, [bot_id])
    except Exception as exc:  # noqa: BLE001  # whatever a database says instead of an answer, it is none
        logger.warning("how a bot's books stand could not be read: %s", error_words(exc))
        return None
    return found[0]
