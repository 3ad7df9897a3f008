"""What ships for tests: of bots that sell with neonpay, and of adapters and storage that others write for it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from neonpay.testing.assertions import (
        assert_balance,
        assert_called,
        assert_declined,
        assert_delivered_once,
        assert_paid,
        assert_refunded,
    )
    from neonpay.testing.blocking import SyncBuyer, SyncSimulator
    from neonpay.testing.factories import make_payment, make_refund, make_result, make_stage
    from neonpay.testing.hosting import SimulatedClock, point_telebot, running
    from neonpay.testing.playing import play
    from neonpay.testing.program_clock import SimulatorClock
    from neonpay.testing.scenario import Scenario, ScenarioFailedError, read_scenario

__all__ = [
    "Scenario",
    "ScenarioFailedError",
    "SimulatedClock",
    "SimulatorClock",
    "SyncBuyer",
    "SyncSimulator",
    "assert_balance",
    "assert_called",
    "assert_declined",
    "assert_delivered_once",
    "assert_paid",
    "assert_refunded",
    "make_payment",
    "make_refund",
    "make_result",
    "make_stage",
    "play",
    "point_telebot",
    "read_scenario",
    "running",
]

_HOMES: Final = {
    "Scenario": "scenario",
    "ScenarioFailedError": "scenario",
    "SimulatedClock": "hosting",
    "SimulatorClock": "program_clock",
    "SyncBuyer": "blocking",
    "SyncSimulator": "blocking",
    "assert_balance": "assertions",
    "assert_called": "assertions",
    "assert_declined": "assertions",
    "assert_delivered_once": "assertions",
    "assert_paid": "assertions",
    "assert_refunded": "assertions",
    "make_payment": "factories",
    "make_refund": "factories",
    "make_result": "factories",
    "make_stage": "factories",
    "play": "playing",
    "point_telebot": "hosting",
    "read_scenario": "scenario",
    "running": "hosting",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
