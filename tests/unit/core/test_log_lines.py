"""Lines of the log as such."""

from __future__ import annotations

import json
import logging

import pytest

from neonpay.core import events, log_lines
from neonpay.core.clock import moment, stopwatch_s
from neonpay.core.log_lines import HANDLER_DONE, PAYMENT_DELIVERED, LogLine, tell_of

LINES = {name: line for name, line in vars(log_lines).items() if isinstance(line, LogLine)}


class _Untouchable:
    def __getattr__(self, name: str) -> object:
        raise AssertionError(name)


def _event(kind: type[events.Event], **more: object) -> events.Event:
    return kind(bot_id=1, event_id="e", at=moment(0), charge_id="c", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_line_without_facts_can_be_shown(line: LogLine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="neonpay")
    line.tell()
    (record,) = caplog.records
    assert record.getMessage()
    assert record.levelno == line.level
    assert json.dumps({name: getattr(record, name) for name in line.fields})


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_nothing_is_looked_at_for_a_line_whose_level_is_off(line: LogLine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(line.level + 1, logger="neonpay")
    line.tell(_Untouchable(), began_s=0.0)
    assert caplog.records == []
    caplog.set_level(line.level, logger="neonpay")
    with pytest.raises(AssertionError):
        line.tell(_Untouchable())


def test_no_field_is_an_attribute_that_every_record_has() -> None:
    taken = {*vars(logging.makeLogRecord({})), "message", "asctime"}
    assert not taken & {"event_name", "bot_id", *(name for line in LINES.values() for name in line.fields)}


def test_a_line_names_where_it_was_told_and_not_where_it_is_written(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="neonpay")
    HANDLER_DONE.tell(began_s=stopwatch_s())
    assert caplog.records[0].pathname == __file__


def test_an_event_is_told_by_its_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="neonpay")
    tell_of(_event(events.PaymentDelivered, stage_id="vip", amount_stars=50, reason="somebody's words"))
    (record,) = caplog.records
    assert record.getMessage() == "charge c of stage vip, 50 Stars, is delivered"
    assert vars(record)["event_name"] == PAYMENT_DELIVERED.event_name
    assert "somebody's words" not in str(vars(record))


def test_words_have_the_beginning_of_a_charge_id_and_the_field_has_all_of_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="neonpay")
    PAYMENT_DELIVERED.tell(charge_id="stx" + "9" * 100)
    (record,) = caplog.records
    assert record.getMessage() == "charge stx999999999… of stage -, - Stars, is delivered"
    assert vars(record)["charge_id"] == "stx" + "9" * 100


def test_an_event_without_a_line_is_told_by_its_name_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="neonpay")
    tell_of(_event(events.UserBlocked, reason="somebody's words"))
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.DEBUG, "event user_blocked")
    assert vars(record)["event_name"] == "user_blocked"
    assert "somebody's words" not in str(vars(record))


def test_a_line_of_an_event_has_the_name_of_the_event() -> None:
    lines = {kind: line for kind, line in log_lines.OF_EVENTS.items() if line is not None}
    assert {kind.name for kind in lines} == {line.event_name for line in lines.values()}
