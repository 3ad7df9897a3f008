"""The weather and the hour of a simulated Telegram, as JSON and as a line of text: faults and time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from neonpay.errors import SimulatorError
from neonpay.simulator.control.orders import NewFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.clock import SteppedClock, Timer
    from neonpay.simulator.faults import Fault, Faults

    Json = Mapping[str, object]

FAULT_TEXT: Final = (
    "KIND TARGET OPTION=VALUE..., such as '429 sendMessage retry_after_s=3 times=2' or 'slow * delay_s=1 times=always'"
)
"""How a fault is written on a command line and in a scenario."""
_ALWAYS: Final = "always"


def fault_from_text(text: str) -> NewFault:
    """Read a fault as it is written on a command line; see :data:`FAULT_TEXT`.

    The kind may be an error code, which means ``fail``; the target is ``*`` when left out; ``times=always`` is without end.

    Raises:
        SimulatorError: it cannot be read.
    """
    kind, *rest = text.split() or [""]
    fields = {"kind": "fail", "error_code": kind} if kind.isdecimal() else {"kind": kind}
    if rest and "=" not in rest[0]:
        fields["target"] = rest.pop(0)
    for word in rest:
        name, _, value = word.partition("=")
        fields[name] = value
    forever = fields.get("times") == _ALWAYS
    if forever:
        del fields["times"]
    try:
        order = NewFault.model_validate_strings(fields, strict=False)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'fault'}: {one['msg']}" for one in error.errors())
        raise SimulatorError(f"{text!r} is no fault ({problems}); write {FAULT_TEXT}") from error
    return order.model_copy(update={"times": None}) if forever else order


def add_fault(faults: Faults, order: NewFault) -> Fault:
    """Let something go wrong from now on.

    Raises:
        SimulatorError: the fault cannot be one; nothing was added.
    """
    when = order.when()
    if order.kind == "fail":
        return faults.fail(
            order.target,
            error_code=order.error_code,
            description=order.description,
            retry_after=order.retry_after_s,
            **when,
        )
    if order.kind == "slow":
        return faults.slow(
            order.target, delay_s=order.delay_s or 0.0, real=order.real, answer_only=order.answer_only, **when
        )
    if order.kind == "reorder":
        return faults.reorder(order.target, passed_by=order.passed_by, **when)
    if order.kind == "lose_answer":
        return faults.lose_answer(order.target, **when)
    if order.kind == "drop_connection":
        return faults.drop_connection(order.target, **when)
    if order.kind == "duplicate":
        return faults.duplicate(order.target, **when)
    return faults.webhook_down(order.target, **when)


def described_fault(fault: Fault) -> Json:
    """A fault as the control API tells it: what applies to its kind."""
    told: dict[str, object] = {
        "number": fault.number,
        "kind": fault.kind,
        "target": fault.target,
        "bot": fault.bot,
        "times": fault.times,
        "probability": fault.probability,
        "ends_at": None if fault.ends_at is None else _iso(fault.ends_at),
        "happened": fault.happened,
    }
    if fault.kind == "fail":
        told |= {"error_code": fault.error_code, "description": fault.description, "retry_after_s": fault.retry_after_s}
    elif fault.kind == "slow":
        told |= {"delay_s": fault.delay_s, "real": fault.real, "answer_only": fault.answer_only}
    elif fault.kind == "reorder":
        told |= {"passed_by": fault.passed_by}
    return told


def described_time(clock: SteppedClock) -> Json:
    """What time it is, whether it stands still, and what happens next."""
    following = clock.next_due()
    return {
        "time": _iso(clock.now()),
        "unix": clock.now(),
        "frozen": clock.frozen,
        "can_run": clock.can_run,
        "next_due": None if following is None else described_timer(following, clock),
    }


def described_timer(timer: Timer, clock: SteppedClock) -> Json:
    """What falls due, when, and in how many seconds from now."""
    return {"what": timer.what, "time": _iso(timer.when), "in_s": max(0.0, timer.when - clock.now())}


def _iso(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat()
