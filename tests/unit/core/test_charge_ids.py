"""Charge ids are opaque text without a length limit, and each has one key that every database takes."""

from __future__ import annotations

import pytest

from neonpay.core.charge_ids import CHARGE_ID_MAX_BYTES, charge_key, full_id, read_id, write_id
from neonpay.core.faults import is_its_own
from neonpay.errors import ConfigurationError, LeaseLostError, LedgerError, LedgerLockedError, TelegramUnreachableError


@pytest.mark.parametrize("charge_id", ["stx1", "ж" * (CHARGE_ID_MAX_BYTES // 2), "a" * CHARGE_ID_MAX_BYTES, ""])
def test_an_ordinary_id_is_its_own_key(charge_id: str) -> None:
    assert charge_key(charge_id) == charge_id
    assert full_id(charge_id) is None


@pytest.mark.parametrize("charge_id", ["a" * 1_025, "ж" * 513, "nul\0", "half \ud800", "\udfff" * 3_000])
def test_an_id_that_fits_into_no_key_has_one_of_its_own(charge_id: str) -> None:
    key = charge_key(charge_id)
    assert key.startswith("sha256:")
    assert charge_key(key) == key
    assert charge_key(charge_id + "x") != key
    assert full_id(charge_id) == charge_id
    written = write_id(charge_id)
    assert written is not None
    assert written.isascii()
    assert "\0" not in written
    assert read_id(written) == charge_id


def test_ids_that_clean_text_would_not_tell_apart_have_different_keys() -> None:
    assert len({charge_key("a\0"), charge_key("a\N{REPLACEMENT CHARACTER}"), charge_key("a\ud800")}) == 3


@pytest.mark.parametrize(
    ("error", "own"),
    [
        (ValueError(), True),
        (OverflowError(), True),
        (LedgerError("PostgreSQL refused with SQLSTATE 22021"), True),
        (LedgerLockedError(), False),
        (LeaseLostError(), False),
        (TelegramUnreachableError("getUpdates"), False),
        (ConfigurationError(), False),
        (ConnectionError(), False),
        (TimeoutError(), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_an_error_is_an_items_own_or_everybodys(error: BaseException, own: bool) -> None:
    assert is_its_own(error) is own
