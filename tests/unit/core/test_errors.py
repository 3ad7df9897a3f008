"""The error tree, as its docstring draws it."""

from __future__ import annotations

import re

import pytest

from neonpay import errors
from neonpay.errors import (
    AdapterNotInstalledError,
    ConfigurationError,
    LedgerLockedError,
    LedgerTimeoutError,
    NeonPayError,
    PaymentNotFoundError,
    RefundError,
    StageNotFoundError,
    TelegramError,
    TelegramUnreachableError,
    ValidationError,
)

DRAWN = re.compile(
    r"^ {4}([│├└─ ]*)(\w+Error|RejectPayment|RefundRefused|SaleRefused)(?: \(([\w, ]+)\))?", re.MULTILINE
)


def drawing() -> dict[str, tuple[str | None, str | None]]:
    """Each class of the drawing with the class above it and what else it is."""
    drawn: dict[str, tuple[str | None, str | None]] = {}
    above: list[str] = []
    for indent, name, builtin in DRAWN.findall(errors.__doc__ or ""):
        depth = len(indent) // 4
        drawn[name] = (above[depth - 1] if depth else None, builtin or None)
        above = [*above[:depth], name]
    return drawn


def test_the_drawing_shows_every_error_that_there_is() -> None:
    assert set(drawing()) == set(errors.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_an_error_stands_where_the_drawing_shows_it(name: str) -> None:
    kind = getattr(errors, name)
    parent, others = drawing()[name]
    also = others.split(", ") if others else []
    assert [base.__name__ for base in kind.__bases__] == ([parent, *also] if parent else also or ["Exception"])


def test_a_program_set_up_wrongly_is_no_failure_of_a_payment() -> None:
    assert not issubclass(ConfigurationError, NeonPayError)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (ValidationError, ValueError),
        (ConfigurationError, ValueError),
        (StageNotFoundError, KeyError),
        (PaymentNotFoundError, KeyError),
        (LedgerLockedError, TimeoutError),
        (LedgerTimeoutError, TimeoutError),
        (AdapterNotInstalledError, ImportError),
    ],
)
def test_an_error_is_also_the_built_in_that_a_caller_may_expect(
    kind: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(kind, builtin)


def test_what_telegram_refused_is_data() -> None:
    error = TelegramError("sendInvoice", error_code=429, description="Too Many Requests", retry_after_s=7)
    assert (error.method, error.error_code, error.description, error.retry_after_s, error.charge_id) == (
        "sendInvoice",
        429,
        "Too Many Requests",
        7,
        None,
    )
    assert str(error) == "Telegram refused sendInvoice: 429 Too Many Requests"


def test_an_error_about_a_charge_names_it() -> None:
    assert RefundError("charge", "CHARGE_NOT_FOUND").charge_id == "charge"
    assert PaymentNotFoundError("charge").charge_id == "charge"
    assert str(PaymentNotFoundError("charge")) == "no payment with charge id 'charge' in the ledger"
    assert TelegramUnreachableError("refundStarPayment", charge_id="charge").charge_id == "charge"
