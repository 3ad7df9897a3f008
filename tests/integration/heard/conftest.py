"""What the log has of a shop at work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from neonpay.core.log_lines import LogLine

_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime"}

Heard = Callable[..., list[logging.LogRecord]]


def extra_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a formatter of JSON adds to a record."""
    return {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}


def line_of(record: logging.LogRecord, lines: Sequence[LogLine]) -> LogLine:
    """The kind of line that a record is."""
    (line,) = {id(one): one for one in lines if (one.words, one.level) == (record.msg, record.levelno)}.values()
    return line


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Heard:
    """The lines so far, at every level: of these names, or all of them."""
    caplog.set_level(logging.DEBUG, logger="neonpay")

    def heard(*names: str) -> list[logging.LogRecord]:
        lines = [record for record in caplog.records if hasattr(record, "event_name")]
        return [record for record in lines if not names or extra_of(record)["event_name"] in names]

    return heard
