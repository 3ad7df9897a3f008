"""What goes wrong on purpose: calls that fail, dawdle or lose their answer, and updates that come twice, late or not at all."""

from __future__ import annotations

import asyncio
import difflib
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypedDict, Unpack

from neonpay.errors import SimulatorError
from neonpay.simulator.wire.known import MESSAGE_FIELDS, UPDATE_KINDS, known_methods

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neonpay.simulator.chats.accounts import BotAccount
    from neonpay.simulator.clock import SteppedClock

CallFaultKind: TypeAlias = Literal["fail", "slow", "lose_answer", "drop_connection"]
UpdateFaultKind: TypeAlias = Literal["duplicate", "reorder", "webhook_down"]
FaultKind: TypeAlias = Literal[CallFaultKind, UpdateFaultKind]

CALL_FAULTS: Final[frozenset[FaultKind]] = frozenset({"fail", "slow", "lose_answer", "drop_connection"})
"""What a call of the bot can meet."""
REORDER_HOLD_S: Final = 5.0
"""Virtual seconds after which a held update comes even if nothing else did: half of the time that a checkout has."""


@dataclass(slots=True, eq=False)
class Fault:
    """One thing that goes wrong.

    Attributes:
        number: what to name it by; counted from 1.
        kind: ``fail`` answers with an error and does nothing; ``slow`` answers late; ``lose_answer`` does what is asked and
            closes the connection without an answer; ``drop_connection`` does nothing and closes the connection;
            ``duplicate`` delivers an update again once the bot has it; ``reorder`` lets later updates pass an update;
            ``webhook_down`` lets a delivery find nobody at the bot's address.
        target: a Bot API method or, for the last three, a kind of update; ``*`` for every one. A field of a message, such as
            ``successful_payment``, is a kind too.
        bot: username of the only bot that meets it; None for every one.
        times: how often it is still to happen; None without end.
        probability: of each call or update that could meet it.
        ends_at: virtual Unix time from which it happens no more.
        happened: how often it has.
        delay_s: for ``slow``; real seconds if ``real``, else virtual ones.
        answer_only: for ``slow``: what is asked happens at once and only the answer is late.
        passed_by: for ``reorder``: how many later updates come first.
    """

    number: int
    kind: FaultKind
    target: str
    bot: str | None = None
    times: int | None = 1
    probability: float = 1.0
    ends_at: float | None = None
    happened: int = 0
    error_code: int = 500
    description: str = "Internal Server Error"
    retry_after_s: int | None = None
    delay_s: float = 0.0
    real: bool = False
    answer_only: bool = False
    passed_by: int = 1
    _dice: dict[str, Random] = field(default_factory=dict, repr=False)

    def strikes(self, name: str, seed: str) -> bool:
        """Throw the dice for the next call or update of this name; the throws of one name do not depend on other names."""
        if self.probability >= 1:
            return True
        dice = self._dice.get(name)
        if dice is None:
            dice = self._dice[name] = Random(f"{seed}/{self.number}/{name}")  # noqa: S311 - repeatable on purpose
        return dice.random() < self.probability


class When(TypedDict, total=False):
    """Which calls or updates meet a fault; every method of :class:`Faults` that adds one takes these by name.

    Attributes:
        times: how many meet it, 1 when left out; None for every one until it is removed.
        probability: with which each of them meets it. The same seed, faults and calls give the same result.
        for_s: virtual seconds after which it is over.
        bot: the only bot that meets it.
    """

    times: int | None
    probability: float
    for_s: float | None
    bot: BotAccount | str | None


class Faults:
    """The faults that wait for a call or an update, first come first served; each is added as :class:`When` says.

    Args:
        clock: virtual time.
        seed: what probabilities follow from.
        changed: called when one was added, met, taken back or is being waited for.
    """

    def __init__(self, clock: SteppedClock, *, seed: str, changed: Callable[[], None]) -> None:
        self._clock = clock
        self._seed = seed
        self._changed = changed
        self._faults: list[Fault] = []
        self._numbered = 0

    def __len__(self) -> int:
        return len(self.waiting())

    def fail(
        self,
        method: str,
        *,
        error_code: int = 500,
        description: str | None = None,
        retry_after: int | None = None,
        **when: Unpack[When],
    ) -> Fault:
        """Answer calls of ``method`` with an error; nothing happens in Telegram.

        Args:
            method: Bot API method, or ``*``.
            error_code: HTTP status and Telegram's code, 400 or more.
            description: Telegram's words; the usual ones of this code when left out.
            retry_after: seconds, for 429; also sent as the ``Retry-After`` header.
        """
        if not 400 <= error_code <= 599:  # noqa: PLR2004 - HTTP
            raise SimulatorError(f"an error has a code from 400 to 599, not {error_code}")
        if error_code == 429 and retry_after is None:  # noqa: PLR2004
            retry_after = 1
        fault = self._add("fail", method, **when)
        fault.error_code, fault.retry_after_s = error_code, retry_after
        fault.description = description or _usual_words(error_code, retry_after)
        return fault

    def slow(
        self,
        method: str,
        *,
        delay_s: float,
        real: bool = False,
        answer_only: bool = False,
        **when: Unpack[When],
    ) -> Fault:
        """Let ``delay_s`` pass before calls of ``method`` have their effect, or with ``answer_only`` after it.

        These are the simulator's seconds, which pass when it is told to advance, or by themselves if it was started with a
        running clock. ``real`` makes them seconds of the machine, for a client that times out by those.
        """
        if not 0 < delay_s < float("inf"):
            raise SimulatorError(f"a delay is a positive number of seconds, not {delay_s!r}")
        fault = self._add("slow", method, **when)
        fault.delay_s, fault.real, fault.answer_only = delay_s, real, answer_only
        return fault

    def lose_answer(self, method: str, **when: Unpack[When]) -> Fault:
        """Do what calls of ``method`` ask, and close the connection instead of answering."""
        return self._add("lose_answer", method, **when)

    def drop_connection(self, method: str, **when: Unpack[When]) -> Fault:
        """Close the connection of calls of ``method`` before they have any effect."""
        return self._add("drop_connection", method, **when)

    def duplicate(self, update: str = "*", **when: Unpack[When]) -> Fault:
        """Deliver updates of a kind once more, with the same id, after the bot has confirmed them.

        So it is when a bot's confirmation is lost. The kind is a field of ``Update``, or of a message.
        """
        return self._add("duplicate", update, **when)

    def reorder(self, update: str = "*", *, passed_by: int = 1, **when: Unpack[When]) -> Fault:
        """Hold updates of a kind back until ``passed_by`` later ones of the bot were queued, or for five virtual seconds."""
        if passed_by < 1:
            raise SimulatorError(f"an update is passed by at least one other, not {passed_by}")
        fault = self._add("reorder", update, **when)
        fault.passed_by = passed_by
        return fault

    def webhook_down(self, update: str = "*", **when: Unpack[When]) -> Fault:
        """Let deliveries of a kind find nobody at the bot's address; Telegram tries again later, by its own rules."""
        return self._add("webhook_down", update, **when)

    def waiting(self) -> list[Fault]:
        """The faults that can still happen, oldest first."""
        now = self._clock.now()
        self._faults = [fault for fault in self._faults if fault.ends_at is None or now < fault.ends_at]
        return list(self._faults)

    def remove(self, number: int) -> None:
        """Take one back.

        Raises:
            SimulatorError: there is none with this number.
        """
        for fault in self.waiting():
            if fault.number == number:
                self._faults.remove(fault)
                self._changed()
                return
        raise SimulatorError(f"there is no fault {number}; it is over, or never was")

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.clear()
        self._changed()

    def take_for_call(self, method: str, bot: str) -> Fault | None:
        """The fault that this call meets, counted."""
        return self._take((method,), bot, CALL_FAULTS) if self._faults else None

    def take_for_update(
        self, kind: UpdateFaultKind, update: str, payload: Mapping[str, object], bot: str
    ) -> Fault | None:
        """The fault of one kind that this update meets, counted."""
        return self._take((update, *payload), bot, frozenset({kind})) if self._faults else None

    async def delay(self, fault: Fault) -> None:
        """Wait as long as a slow call has to."""
        if fault.real:
            await asyncio.sleep(fault.delay_s)
            return
        passed = asyncio.Event()
        timer = self._clock.call_after(fault.delay_s, passed.set, what=f"slow {fault.target}")
        self._changed()
        try:
            await passed.wait()
        finally:
            timer.cancel()

    def _take(self, names: tuple[str, ...], bot: str, kinds: frozenset[FaultKind]) -> Fault | None:
        spoken = [name.lower() for name in names]
        for fault in self.waiting():
            if fault.kind not in kinds or fault.bot not in {None, bot.lower()}:
                continue
            if (fault.target == "*" or fault.target.lower() in spoken) and fault.strikes(names[0], self._seed):
                fault.happened += 1
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                self._changed()
                return fault
        return None

    def _add(
        self,
        kind: FaultKind,
        target: str,
        *,
        times: int | None = 1,
        probability: float = 1.0,
        for_s: float | None = None,
        bot: BotAccount | str | None = None,
    ) -> Fault:
        if times is not None and times < 1:
            raise SimulatorError(f"a fault happens at least once, not {times} times")
        if not 0 < probability <= 1:
            raise SimulatorError(f"a probability is more than 0 and at most 1, not {probability!r}")
        if for_s is not None and not for_s > 0:
            raise SimulatorError(f"a fault lasts a positive number of seconds, not {for_s!r}")
        _look_up(kind, target)
        username = bot if isinstance(bot, str) or bot is None else bot.username
        self._numbered += 1
        fault = Fault(
            self._numbered,
            kind,
            target,
            None if username is None else username.removeprefix("@").lower(),
            times,
            probability,
            None if for_s is None else self._clock.now() + for_s,
        )
        self._faults.append(fault)
        self._changed()
        return fault


def _look_up(kind: FaultKind, target: str) -> None:
    """Raise SimulatorError for what can never meet a fault: it would be waited for in vain."""
    of_calls = kind in CALL_FAULTS
    there = known_methods() if of_calls else UPDATE_KINDS | MESSAGE_FIELDS
    if target == "*" or target.lower() in {name.lower() for name in there}:
        return
    near = difflib.get_close_matches(target, there, n=1)
    what = "the Bot API has no method" if of_calls else "there is no kind of update"
    raise SimulatorError(f"{what} {target!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def _usual_words(error_code: int, retry_after: int | None) -> str:
    words = {
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict",
        429: f"Too Many Requests: retry after {retry_after}", 500: "Internal Server Error", 502: "Bad Gateway",
        503: "Service Unavailable", 504: "Gateway Timeout",
    }  # fmt: skip
    return words.get(error_code, "Error")
