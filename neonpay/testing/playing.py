"""Playing a scenario: what each of its steps does."""

from __future__ import annotations

import asyncio
import re
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from neonpay.errors import ConfigurationError, NeonPayError, SimulatorError
from neonpay.simulator.control.conditions import add_fault, fault_from_text
from neonpay.simulator.control.orders import NewFault
from neonpay.testing.scenario import SOMEONE, Scenario, ScenarioFailedError, Step, read_scenario

if TYPE_CHECKING:
    from aiogram import types

    from neonpay.simulator import BotAccount, Buyer, Checkout, Outcome, Simulator
    from neonpay.testing.scenario import Program

_SPAN: Final = re.compile(r"([0-9.]+)\s*(second|minute|hour|day)s?")
_TALK_MAX: Final = 6
"""Messages shown of a chat in which something else was expected."""


async def play(
    scenario: Scenario | str | Path,
    telegram: Simulator,
    *,
    bot: BotAccount | None = None,
    told: Callable[[Step], None] | None = None,
) -> None:
    """Play a scenario against a bot that is running, in people of its own.

    Args:
        scenario: as it was read, or its file.
        telegram: where the bot is.
        bot: whom people talk to; the only bot there is when left out.
        told: called after each step of the file that went as written.

    Raises:
        ScenarioFailedError: a step did not; the message has file, line and what happened instead.
        ConfigurationError: the file cannot be read.
    """
    read = scenario if isinstance(scenario, Scenario) else read_scenario(scenario)
    bots = telegram.bots()
    if bot is None and len(bots) != 1:
        raise ConfigurationError(
            f"play({read.path.name!r}, telegram, bot=...) has to say which of {len(bots)} bots is meant"
        )
    if read.program is not None:
        await _run(read, read.program, telegram, bot or bots[0])
        return
    await Player(read, telegram, bot or bots[0], told or (lambda step: None)).play()


class Player:
    """Plays the people of one scenario."""

    def __init__(self, scenario: Scenario, telegram: Simulator, bot: BotAccount, told: Callable[[Step], None]) -> None:
        self._scenario = scenario
        self._telegram = telegram
        self._bot = bot
        self._told = told
        self._people: dict[str, Buyer] = {
            name: telegram.user(name, stars=stars) for name, stars in scenario.people.items()
        }
        self._heard: dict[str, types.Message] = {}
        self._begun: dict[str, Checkout] = {}
        self._paid: dict[str, str] = {}
        self._calls_before = len(telegram.calls())

    async def play(self) -> None:
        """Take every step."""
        for step in self._scenario.steps:
            await self._take(step, None)
            self._told(step)

    async def _take(self, step: Step, someone: str | None) -> None:
        if step.verb == "together":
            await asyncio.gather(*(self._take(one, someone) for one in step.steps))
            return
        if step.verb == "for each":
            for turn in step.what:
                for one in step.steps:
                    await self._take(one, turn)
            return
        act: Callable[..., Awaitable[None]] = getattr(self, f"_{step.verb.replace(' ', '_')}")
        who = someone if step.who == SOMEONE else step.who
        what = self._filled(step.what, someone)
        try:
            await (act(what) if who is None else act(who, what))
        except ScenarioFailedError:
            raise
        except (AssertionError, NeonPayError) as error:
            text = step.text if who == step.who else f"{step.text} ({SOMEONE} is {who})"
            reason = str(error)
            if who is not None:
                reason += "\n" + self._talk(who)
            raise ScenarioFailedError(self._scenario.path, step.line, text, reason) from error

    async def _says(self, who: str, what: Any) -> None:
        await self._people[who].says(str(what), to=self._bot)

    async def _hears(self, who: str, what: Any) -> None:
        wanted = _wanted(what)
        try:
            self._heard[who] = await self._people[who].hears(
                self._bot, timeout_s=self._scenario.timeout_s, predicate=lambda message: _fits(message, wanted)
            )
        except SimulatorError as error:
            raise AssertionError(f"{who} did not hear that within {self._scenario.timeout_s:g} s") from error

    async def _looks_back_at(self, who: str, what: Any) -> None:
        wanted = _wanted(what)
        messages = reversed(self._people[who].messages(self._bot))
        found = next((message for message in messages if _fits(message, wanted)), None)
        assert found is not None, f"{who} has no such message"
        self._heard[who] = found

    async def _presses(self, who: str, what: Any) -> None:
        pressed = await self._people[who].presses(str(what), on=self._last(who), timeout_s=self._scenario.timeout_s)
        if pressed.form is not None:
            self._begun[who] = await self._people[who].begins_to_pay(pressed.form)

    async def _pays(self, who: str, what: Any) -> None:
        outcome = await self._people[who].pays(self._payable(who), timeout_s=self._scenario.timeout_s)
        self._check(who, outcome, what)

    async def _begins_to_pay(self, who: str, what: Any) -> None:
        self._begun[who] = await self._people[who].begins_to_pay(self._payable(who))

    async def _sees(self, who: str, what: Any) -> None:
        if who not in self._begun:
            raise AssertionError(f"{who} has not begun to pay anything")
        self._check(who, await self._begun[who].outcome(timeout_s=self._scenario.timeout_s), what)

    async def _cancels(self, who: str, what: Any) -> None:
        await self._people[who].opens(self._payable(who))

    async def _buys(self, who: str, what: Any) -> None:
        self._check(who, await self._people[who].buys(self._last(who)), what)

    async def _gets_stars(self, who: str, what: Any) -> None:
        self._people[who].gets_stars(what)

    async def _has_stars(self, who: str, what: Any) -> None:
        self._people[who].has_stars(what)

    async def _receives_from(self, who: str, what: Any) -> None:
        giver = self._person(what)
        self._heard[who] = await self._people[who].receives(self._last(giver), from_=self._people[giver])

    async def _blocks(self, who: str, what: Any) -> None:
        await self._people[who].blocks(self._bot)

    async def _unblocks(self, who: str, what: Any) -> None:
        await self._people[who].unblocks(self._bot)

    async def _cancels_subscription(self, who: str, what: Any) -> None:
        await self._people[who].cancels_subscription(self._bot)

    async def _restores_subscription(self, who: str, what: Any) -> None:
        await self._people[who].restores_subscription(self._bot)

    async def _subscription_is(self, who: str, what: Any) -> None:
        def state() -> str:
            subscriptions = self._people[who].subscriptions(self._bot)
            return subscriptions[-1].state if subscriptions else "none"

        await self._comes_true(lambda: state() == what, lambda: f"the subscription is {state()!r}")

    async def _advance(self, what: Any) -> None:
        spans = what if isinstance(what, dict) else _spans(what)
        unknown = set(spans) - {"seconds", "minutes", "hours", "days"}
        if unknown or not spans:
            raise AssertionError(f"{what!r} is no length of time; write '30 days' or '1 hour 5 minutes'")
        await self._telegram.advance(**spans)

    async def _step(self, what: Any) -> None:
        assert await self._telegram.step() is not None, "nothing waits for time to pass"

    async def _fault(self, what: Any) -> None:
        order = NewFault.model_validate(what) if isinstance(what, dict) else fault_from_text(str(what))
        add_fault(self._telegram.faults, order)

    async def _no_faults(self, what: Any) -> None:
        self._telegram.faults.clear()

    async def _balance(self, what: Any) -> None:
        def now() -> dict[str, int]:
            return {name: self._stars(name) for name in what}

        await self._comes_true(lambda: now() == what, lambda: f"the balances are {now()}")

    async def _calls(self, what: Any) -> None:
        for method, wanted in what.items():
            rules = dict(wanted) if isinstance(wanted, dict) else {"times": wanted}
            await self._is_called(method, rules, rules.pop("times", None))

    async def _is_called(self, method: str, rules: dict[str, Any], times: int | None) -> None:
        await self._comes_true(
            lambda: self._was_called(method, rules, times),
            lambda: self._told_of_calls(method),
        )

    async def _refund(self, what: Any) -> None:
        who = self._person(what)
        shop = self._telegram.aiogram_bot(self._bot)
        await shop.refund_star_payment(self._people[who].id, self._charge(who))

    async def _refunded(self, what: Any) -> None:
        who = self._person(what)
        charge_id = self._charge(who)
        await self._comes_true(
            lambda: self._is_refunded(charge_id), lambda: f"the last payment of {who} was not refunded"
        )

    async def _not_refunded(self, what: Any) -> None:
        who = self._person(what)
        assert not self._is_refunded(self._charge(who)), f"the last payment of {who} was refunded"

    def _check(self, who: str, outcome: Outcome, what: Any) -> None:
        wanted = what if isinstance(what, dict) else {"ends": what or "paid"}
        ends = str(wanted.get("ends", "paid")).split(" or ")
        told = f"it ended as {outcome.status!r}" + (f" ({outcome.reason})" if outcome.reason else "")
        assert outcome.status in ends, told
        assert str(wanted.get("reason", "")) in (outcome.reason or ""), told
        if outcome.charge_id is not None:
            self._paid[who] = outcome.charge_id

    async def _comes_true(self, look: Callable[[], bool], instead: Callable[[], str]) -> None:
        try:
            await self._telegram.until(look, timeout_s=self._scenario.timeout_s)
        except SimulatorError as error:
            raise AssertionError(f"{instead()}, {self._scenario.timeout_s:g} s later") from error

    def _was_called(self, method: str, rules: dict[str, Any], times: int | None) -> bool:
        calls = self._telegram.calls()[self._calls_before :]
        fitting = [
            call
            for call in calls
            if call.method.lower() == method.lower() and all(call.params.get(name) == rules[name] for name in rules)
        ]
        return bool(fitting) if times is None else len(fitting) == times

    def _told_of_calls(self, method: str) -> str:
        calls = [call for call in self._telegram.calls()[self._calls_before :] if call.method.lower() == method.lower()]
        lines = [f"{call.params} -> {'ok' if call.ok else call.description}" for call in calls[-_TALK_MAX:]]
        return "\n".join([f"{method} was called {_times(len(calls))}", *lines])

    def _is_refunded(self, charge_id: str) -> bool:
        return any(one.charge_id == charge_id and one.refunded for one in self._telegram.payments(self._bot))

    def _charge(self, who: str) -> str:
        if who not in self._paid:
            raise AssertionError(f"{who} has paid nothing yet")
        return self._paid[who]

    def _stars(self, name: str) -> int:
        return self._bot.balance_stars if name == "bot" else self._people[self._person(name)].stars

    def _person(self, name: Any) -> str:
        if name not in self._people:
            raise AssertionError(f"{name!r} is none of {', '.join(self._people)}")
        return str(name)

    def _last(self, who: str) -> types.Message:
        if who not in self._heard:
            raise AssertionError(f"{who} has heard nothing yet: write '{who} hears: ...' before")
        return self._heard[who]

    def _payable(self, who: str) -> types.Message:
        last = self._last(who)
        assert last.invoice is not None, f"what {who} heard last is no invoice: {_told(last)}"
        return last

    def _filled(self, what: Any, someone: str | None) -> Any:
        if isinstance(what, dict):
            return {self._name(key, someone): self._filled(value, someone) for key, value in what.items()}
        if not isinstance(what, str):
            return what
        return re.sub(
            r"\{([A-Z][\w ]*)\.id\}", lambda match: str(self._id(match.group(1), someone)), self._name(what, someone)
        )

    def _name(self, text: Any, someone: str | None) -> Any:
        return someone if text == SOMEONE and someone is not None else text

    def _id(self, name: str, someone: str | None) -> int:
        return self._people[self._person(self._name(name, someone))].id

    def _talk(self, who: str) -> str:
        messages = self._people[who].messages(self._bot)[-_TALK_MAX:]
        lines = [
            f"  {message.from_user.first_name if message.from_user else '?'}: {_told(message)}" for message in messages
        ]
        return "\n".join([f"the end of {who}'s chat with {self._bot.username}:", *(lines or ["  nothing"])])


def _wanted(what: Any) -> dict[str, Any]:
    wanted = what if isinstance(what, dict) else {} if what is None else {"text": what}
    unknown = set(wanted) - {"text", "invoice", "stars", "button"}
    if unknown:
        raise AssertionError(f"{sorted(unknown)} cannot be heard; there is: text, invoice, stars, button")
    return wanted


def _fits(message: types.Message, wanted: dict[str, Any]) -> bool:
    text = message.text or message.caption or ""
    invoice = message.invoice
    if "text" in wanted and str(wanted["text"]) not in text:
        return False
    if "invoice" in wanted and (invoice is None or str(wanted["invoice"]) not in invoice.title):
        return False
    if "stars" in wanted and (invoice is None or invoice.total_amount != wanted["stars"]):
        return False
    return "button" not in wanted or any(str(wanted["button"]) in label for label in _buttons(message))


def _buttons(message: types.Message) -> list[str]:
    rows = message.reply_markup.inline_keyboard if message.reply_markup is not None else []
    return [button.text for row in rows for button in row]


def _told(message: types.Message) -> str:
    if message.invoice is not None:
        told = f"[invoice {message.invoice.title!r}, {message.invoice.total_amount} Stars]"
    elif message.successful_payment is not None:
        told = f"[paid {message.successful_payment.total_amount} Stars]"
    elif message.refunded_payment is not None:
        told = f"[refunded {message.refunded_payment.total_amount} Stars]"
    else:
        told = repr(message.text or message.caption or message.content_type)
    buttons = _buttons(message)
    return f"{told} [{'] ['.join(buttons)}]" if buttons else told


def _spans(text: Any) -> dict[str, float]:
    found = _SPAN.findall(str(text))
    return {f"{unit}s": float(number) for number, unit in found} if _SPAN.sub("", str(text)).strip() == "" else {}


async def _run(scenario: Scenario, program: Program, telegram: Simulator, bot: BotAccount) -> None:
    try:
        await program(telegram, bot)
    except (AssertionError, NeonPayError) as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(scenario.path)]
        line, code = (frames[-1].lineno or 1, frames[-1].line or "") if frames else (1, scenario.name)
        raise ScenarioFailedError(scenario.path, line, code, str(error) or "assertion failed") from error


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
