"""Assertions on payments whose messages say what happened instead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from neonpay.core.job_states import JobState
from neonpay.errors import PaymentNotFoundError
from neonpay.payments.consumers.selection import PLAN

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.core.payments import Payment
    from neonpay.simulator import BotAccount, Buyer, Call, Outcome, Simulator
    from neonpay.store.job_rows import JobRecord
    from neonpay.testing.blocking import SyncBuyer, SyncSimulator

_PATIENCE_S: Final = 30.0
_PAUSE_S: Final = 0.002
_UNDER_WAY: Final = frozenset({JobState.READY, JobState.LEASED})


def assert_paid(outcome: Outcome, *, stars: int | None = None) -> str:
    """The payment went through, for this many Stars if that is said; returns Telegram's charge id."""
    assert outcome.status == "paid", f"not paid: {_told(outcome)}"
    assert outcome.charge_id is not None
    if stars is not None:
        assert outcome.amount_stars == stars, f"paid {outcome.amount_stars} Stars and not {stars}"
    return outcome.charge_id


def assert_declined(outcome: Outcome, *, reason: str | None = None) -> None:
    """The bot said no, with these words in its reason if they are given."""
    assert outcome.status == "declined", f"not declined by the bot: {_told(outcome)}"
    if reason is not None:
        assert reason in (outcome.reason or ""), f"declined with {outcome.reason!r}, which does not say {reason!r}"


def assert_refunded(
    telegram: Simulator | SyncSimulator, payment: Outcome | str, *, bot: BotAccount | None = None
) -> None:
    """The Stars of a charge are back with the buyer; the charge is named by its id or by the outcome of paying.

    Args:
        telegram: where it was paid.
        payment: the charge.
        bot: whose payment it is; any bot's when left out.
    """
    charge_id = payment if isinstance(payment, str) else assert_paid(payment)
    bots = [bot] if bot is not None else telegram.bots()
    found = [one for seller in bots for one in telegram.payments(seller) if one.charge_id == charge_id]
    assert found, f"no bot was ever paid with charge {charge_id}"
    if found[0].refunded:
        return
    tried = [call for call in telegram.calls("refundStarPayment") if not call.ok]
    why = f"; Telegram refused: {tried[-1].description}" if tried else "; the bot did not ask for it"
    raise AssertionError(f"charge {charge_id} of {found[0].amount} Stars was not refunded{why}")


def assert_balance(whose: Buyer | SyncBuyer | BotAccount, stars: int) -> None:
    """A buyer or a bot has this many Stars."""
    has = getattr(whose, "balance_stars", None)
    if has is None:
        has = whose.stars  # type: ignore[union-attr]  # a buyer
    name = getattr(whose, "username", None) or getattr(whose, "name", "")
    assert has == stars, f"{name} has {has} Stars and not {stars}"


def assert_called(
    telegram: Simulator | SyncSimulator, method: str, *, times: int | None = None, **params: object
) -> list[Call]:
    """The bot called a method with at least these parameters, once or more, or as often as said; returns these calls."""
    calls = telegram.calls(method)
    fitting = [call for call in calls if all(call.params.get(name) == value for name, value in params.items())]
    if (len(fitting) == times) if times is not None else fitting:
        return fitting
    wanted = "at all" if times is None else _times(times)
    with_what = f" with {params}" if params else ""
    seen = "\n".join(f"  {call.params} -> {'ok' if call.ok else call.description}" for call in calls[-10:])
    there = f"{method} was called {_times(len(calls))}:\n{seen}" if calls else f"{method} was never called"
    others = sorted({call.method for call in telegram.calls()} - {"getUpdates"})
    raise AssertionError(
        f"{method} was not called {wanted}{with_what}, but {_times(len(fitting))}. {there}\ncalled at all: {others}"
    )


async def assert_delivered_once(
    neonpay: NeonPayCore, payment: Outcome | str, *, timeout_s: float = _PATIENCE_S
) -> None:
    """Every handler of a payment has run to its end, once; waits for those that are under way.

    Args:
        neonpay: the application that sold it.
        payment: the charge, by its id or by the outcome of paying.
        timeout_s: real seconds.
    """
    charge_id = payment if isinstance(payment, str) else assert_paid(payment)
    clock = asyncio.get_running_loop()
    until = clock.time() + timeout_s
    recorded, jobs = await _delivery(neonpay, charge_id)
    while (recorded is None or _is_under_way(jobs)) and clock.time() < until:
        await asyncio.sleep(_PAUSE_S)
        recorded, jobs = await _delivery(neonpay, charge_id)
    assert recorded is not None, f"charge {charge_id} was paid, and neonpay has not recorded it after {timeout_s:g} s"
    assert recorded.attention is None, f"charge {charge_id} needs attention and was not delivered: {recorded.attention}"
    told = "".join(
        f"\n  {job.consumer}: {job.state}, attempts: {job.attempts}, {job.error or 'no error'}" for job in jobs
    )
    nobody = f"no handler takes payments of stage {recorded.stage_id!r}, so nothing was delivered"
    assert jobs, nobody
    assert [job.consumer for job in jobs if job.state != JobState.DONE] != [PLAN], nobody
    assert all(job.state == JobState.DONE for job in jobs), f"charge {charge_id} was not delivered:{told}"
    assert all(job.attempts == 1 for job in jobs), f"charge {charge_id} was delivered by more than one attempt:{told}"


async def _delivery(neonpay: NeonPayCore, charge_id: str) -> tuple[Payment | None, list[JobRecord]]:
    try:
        return await neonpay.payments.get(charge_id), await neonpay.jobs.of(charge_id)
    except PaymentNotFoundError:
        return None, []


def _is_under_way(jobs: list[JobRecord]) -> bool:
    return any(job.state in _UNDER_WAY and job.error is None and job.consumer != PLAN for job in jobs)


def _told(outcome: Outcome) -> str:
    reason = f" ({outcome.reason})" if outcome.reason else ""
    return f"the payment of {outcome.amount_stars} Stars is {outcome.status}{reason}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
