"""Asking Telegram for updates, so that none with money in it is confirmed before it is recorded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from neonpay.core.faults import is_its_own
from neonpay.core.jsontext import JsonValue
from neonpay.core.retrying import RetryPolicy
from neonpay.errors import ConfigurationError, TelegramError, TelegramUnreachableError
from neonpay.telegram.client import BotApiClient
from neonpay.telegram.contested import Contest

logger = logging.getLogger("neonpay.telegram")

WAIT_S = 50
"""How long Telegram holds a request when there is nothing to tell."""
_MARGIN_S = 15
_UNAUTHORIZED, _NOT_FOUND, _CONFLICT, _TOO_MANY = 401, 404, 409, 429
_ASK_AGAIN = RetryPolicy(on=Exception, attempts=None, first_pause_s=1.0, most_pause_s=30.0, jitter=0.0, total_s=None)
PATIENCE_S = 40.0
"""How long an update is tried again that fails for a reason of its own."""

Take = Callable[[Mapping[str, Any]], Awaitable[None]]


class Poller:
    """The updates of one bot by ``getUpdates``.

    The offset moves past an update with money in it only when ``take`` has returned. One whose ``take`` raises is asked for
    again after a pause, and the updates around it that were taken are not taken twice by this process. While a database is
    away that goes on for as long as it takes. An update that fails for a reason of its own would hold up all that follow it for
    ever, as Telegram gives a hundred at a time: it is stepped over after ``patience_s``, and the log has it. A payment among
    such updates is in Telegram's list of transactions all the same. Nothing waits for other updates: a checkout whose hook is
    slow delays no other checkout.

    Args:
        take: what is done with an update; several run at the same time.
        patience_s: how long an update is tried again that fails for a reason of its own.
        kinds: the kinds of updates to ask for; an empty list asks for Telegram's default. Telegram keeps the choice of the
            last program that made one, so this one always says what it wants.
    """

    def __init__(
        self,
        client: BotApiClient,
        take: Take,
        *,
        kinds: Sequence[str],
        wait_s: int = WAIT_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._client = client
        self._take = take
        self._kinds = list(kinds)
        self._wait_s = wait_s
        self._patience_s = patience_s
        self._failing: dict[int, float] = {}
        """Updates that fail for a reason of their own, and until when they are tried again."""
        self._offset = 0
        self._taken: set[int] = set()
        """Updates that were taken while an earlier one was not, and so are not confirmed yet."""
        self._contest = Contest()
        self._failures = 0
        """Times in a row that Telegram was asked in vain, or an update with money in it was not taken."""
        self._pause_s = 0.0
        self._running: set[asyncio.Task[int | None]] = set()

    async def run(self) -> None:
        """Take updates until cancelled.

        Raises:
            ConfigurationError: the token is wrong, or a webhook is set.
        """
        try:
            while True:
                updates = await self._updates()
                if updates is not None:
                    await self._take_all(updates)
                if self._pause_s:
                    await asyncio.sleep(self._pause_s)
        finally:
            await asyncio.gather(*self._running)

    async def _updates(self) -> list[dict[str, Any]] | None:
        params: dict[str, JsonValue] = {
            "offset": self._offset,
            "timeout": self._wait_s,
            "allowed_updates": list(self._kinds),
        }
        try:
            updates = await self._client.call("getUpdates", params, timeout_s=self._wait_s + _MARGIN_S)
        except TelegramUnreachableError as exc:
            self._pause(f"no answer to {exc.method}", exc)
            return None
        except TelegramError as exc:
            if exc.error_code in {_UNAUTHORIZED, _NOT_FOUND}:
                msg = "Telegram does not know this bot's token; @BotFather shows the one that is valid now"
                raise ConfigurationError(msg) from exc
            if exc.error_code == _CONFLICT and "webhook" in exc.description.lower():
                msg = "a webhook is set, so Telegram gives no updates here: serve it, or call deleteWebhook first"
                raise ConfigurationError(msg) from exc
            self._contest.told(self._client.bot_id, exc.description)
            self._pause(exc.description, exc)
            return None
        self._failures, self._pause_s = 0, 0.0
        return cast("list[dict[str, Any]]", updates)

    async def _take_all(self, updates: list[dict[str, Any]]) -> None:
        new = [update for update in updates if update["update_id"] not in self._taken]
        taking = [self._begin(update) for update in new]
        money = [task for task, update in zip(taking, new, strict=True) if _has_money(update)]
        failed = {update_id for update_id in await asyncio.gather(*money) if update_id is not None}
        self._failing = {update_id: until for update_id, until in self._failing.items() if update_id in failed}
        if not failed:
            self._taken.clear()
            self._offset = max([self._offset, *(update["update_id"] + 1 for update in updates)])
            return
        self._offset = min(failed)
        self._taken.update(update["update_id"] for update in updates if update["update_id"] > self._offset)
        self._taken -= failed
        self._pause("a payment is not recorded yet")

    def _begin(self, update: Mapping[str, Any]) -> asyncio.Task[int | None]:
        task = asyncio.ensure_future(self._take_one(update))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _take_one(self, update: Mapping[str, Any]) -> int | None:
        """The update's id when it could not be taken."""
        try:
            await self._take(update)
        except Exception as exc:  # whatever is wrong with one update, the others are still to be taken
            update_id = cast("int", update["update_id"])
            if is_its_own(exc) and self._is_over(update_id):
                logger.exception("update %s fails for a reason of its own and is stepped over", update_id)
                return None
            logger.exception("update %s could not be taken", update_id)
            return update_id
        return None

    def _is_over(self, update_id: int) -> bool:
        now_s = asyncio.get_running_loop().time()
        return now_s >= self._failing.setdefault(update_id, now_s + self._patience_s)

    def _pause(self, why: str, error: Exception | None = None) -> None:
        self._failures += 1
        self._pause_s = _ASK_AGAIN.pause_s(self._failures, error)
        logger.warning("asking for updates again in %.0f s: %s", self._pause_s, why)


def _has_money(update: Mapping[str, Any]) -> bool:
    message = update.get("message") or {}
    return "successful_payment" in message or "refunded_payment" in message or "subscription" in update
