"""Faults written as text."""

from __future__ import annotations

import pytest

from neonpay.errors import SimulatorError
from neonpay.simulator import Simulator
from neonpay.simulator.control.conditions import add_fault, described_fault, fault_from_text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("503", {"kind": "fail", "target": "*", "error_code": 503, "times": 1}),
        ("429 sendMessage retry_after_s=3", {"kind": "fail", "target": "sendMessage", "retry_after_s": 3}),
        ("fail getMe times=always probability=0.25", {"kind": "fail", "times": None, "probability": 0.25}),
        ("slow * delay_s=1.5 real=true", {"kind": "slow", "target": "*", "delay_s": 1.5, "real": True}),
        ("lose_answer refundStarPayment times=2", {"kind": "lose_answer", "times": 2}),
        ("drop_connection bot=shop_bot", {"kind": "drop_connection", "bot": "shop_bot"}),
        ("duplicate successful_payment", {"kind": "duplicate", "target": "successful_payment"}),
        ("reorder message passed_by=2", {"kind": "reorder", "passed_by": 2}),
        ("webhook_down times=always for_s=60", {"kind": "webhook_down", "times": None}),
    ],
)
def test_a_fault_is_read_from_text(text, told):
    fault = described_fault(add_fault(Simulator().faults, fault_from_text(text)))
    assert {name: fault[name] for name in told} == told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no fault"),
        ("sulk", "is no fault"),
        ("429 sendMessage again=2", "again: Extra inputs"),
        ("200", "error_code"),
        ("slow getMe", "needs delay_s"),
        ("duplicate message delay_s=3", "only a fault of kind 'slow'"),
        ("fail getMe times=0", "times"),
    ],
)
def test_text_that_is_no_fault_says_how_to_write_one(text, message):
    with pytest.raises(SimulatorError, match=message):
        fault_from_text(text)
