"""The simulated Bot API without its transport: a token, a method and parameters in, an answer out."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from neonpay.simulator.calls.requests import Done, Request
from neonpay.simulator.methods import SIMULATED
from neonpay.simulator.wire.known import documented_name
from neonpay.simulator.wire.refusal import Refusal, not_simulated

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.faults import Fault
    from neonpay.simulator.journal import Via
    from neonpay.simulator.wire.params import Params
    from neonpay.simulator.world import World

_log = logging.getLogger(__name__)
_TOKEN: Final = re.compile(r"[1-9][0-9]{0,15}:[A-Za-z0-9_-]{1,80}")


Fate: TypeAlias = Literal["sent", "lost", "dropped"]
"""How an exchange ends: with an answer, or with the connection closed after the effect or before it."""


@dataclass(slots=True, eq=False)
class Answer:
    """What goes back.

    Attributes:
        status: HTTP status.
        body: the JSON object.
        fate: how the exchange ends.
        retry_after_s: for the ``Retry-After`` header.
    """

    status: int
    body: dict[str, object]
    fate: Fate = "sent"
    retry_after_s: int | None = None


class BotApi:
    """Answers calls and writes each into the journal."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.carry_out = self.call_as

    async def call(self, token: str, method: str, params: Params) -> Answer:
        """Do what the call asks, or say why not."""
        bot = self._world.accounts.bot_with_token(token)
        if bot is None:
            # Seen live: a token that cannot be one is an unknown address, one that could be is not signed in.
            unknown = Refusal(401, "Unauthorized") if _TOKEN.fullmatch(token) else Refusal(404, "Not Found")
            return self._refused(None, documented_name(method) or method, params, unknown)
        return await self.call_as(bot, method, params)

    async def call_as(self, bot: BotAccount, method: str, params: Params, *, via: Via = "http") -> Answer:
        """The same for a bot that is signed in; also for methods that come in the answer of a webhook, or by MTProto."""
        name = documented_name(method) or method
        fault = self._world.faults.take_for_call(name, bot.username)
        if fault is not None and fault.kind == "drop_connection":
            self._write(bot, name, params, answered=False, ok=False, description="connection dropped", via=via)
            return Answer(502, {}, "dropped")
        slow = fault if fault is not None and fault.kind == "slow" else None
        if slow is not None and not slow.answer_only:
            await self._world.faults.delay(slow)
        answer = await self._answer(bot, name, params, fault, via)
        if slow is not None and slow.answer_only:
            await self._world.faults.delay(slow)
        return answer

    async def _answer(self, bot: BotAccount, name: str, params: Params, fault: Fault | None, via: Via) -> Answer:
        lost = fault is not None and fault.kind == "lose_answer"
        try:
            done = await self._do(bot, name, params, fault)
        except Refusal as refusal:
            return self._refused(bot, name, params, refusal, via=via, lost=lost)
        self._write(bot, name, params, answered=not lost, ok=True, result=done.result, description=done.remark, via=via)
        body: dict[str, object] = {"ok": True, "result": done.result}
        if done.remark:
            body["description"] = done.remark
        return Answer(200, body, "lost" if lost else "sent")

    async def _do(self, bot: BotAccount, name: str, params: Params, fault: Fault | None) -> Done:
        if fault is not None and fault.kind == "fail":
            raise Refusal(fault.error_code, fault.description, retry_after_s=fault.retry_after_s)
        if documented_name(name) is None:
            raise Refusal(404, "Not Found: method not found")  # SRV: on_cmd
        method = SIMULATED.get(name)
        if method is None:
            raise not_simulated(name)
        try:
            done = method(Request(self._world, bot, params))
            return await done if isinstance(done, Awaitable) else done
        except (Refusal, asyncio.CancelledError):
            raise
        except Exception as error:
            # A bug of the simulator must not look like an answer of Telegram's, nor stop the server.
            _log.exception("the simulator failed in %s", name)
            raise Refusal(
                500, f"Internal Server Error: bug in neonpay.simulator: {type(error).__name__} in {name}"
            ) from error

    def _refused(
        self,
        bot: BotAccount | None,
        name: str,
        params: Params,
        refusal: Refusal,
        *,
        via: Via = "http",
        lost: bool = False,
    ) -> Answer:
        code, words = refusal.error_code, refusal.description
        self._write(bot, name, params, ok=False, error_code=code, description=words, answered=not lost, via=via)
        body: dict[str, object] = {"ok": False, "error_code": code, "description": words}
        if refusal.retry_after_s is not None:
            body["parameters"] = {"retry_after": refusal.retry_after_s}
        return Answer(code, body, "lost" if lost else "sent", retry_after_s=refusal.retry_after_s)

    def _write(
        self,
        bot: BotAccount | None,
        name: str,
        params: Params,
        *,
        ok: bool,
        result: object = None,
        error_code: int | None = None,
        description: str | None = None,
        answered: bool = True,
        via: Via = "http",
    ) -> None:
        self._world.journal.add(
            None if bot is None else bot.username,
            name,
            params,
            self._world.clock.moment(),
            ok=ok,
            result=result,
            error_code=error_code,
            description=description,
            answered=answered,
            via=via,
        )
        self._world.bell.ring()
