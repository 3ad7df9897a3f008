"""Signatures of batches: those of Standard Webhooks, with secrets that change, and none that is old."""

from __future__ import annotations

from typing import Any

import pytest

from neonpay.core.webhook_signing import SignatureError, TimestampError, keys_of, new_secret, sign, verify
from neonpay.errors import ConfigurationError

# The example of the specification's reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
TAG = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_signature_is_that_of_standard_webhooks() -> None:
    assert sign(keys_of(SECRET), MESSAGE, AT, BODY)["webhook-signature"] == TAG


def test_a_batch_is_taken_while_either_of_two_secrets_is_in_use() -> None:
    old, new = new_secret(lambda n: b"o" * n), new_secret(lambda n: b"n" * n)
    for secrets in ([new, old], [old, new]):
        headers = sign(keys_of(old), "m", AT, BODY)
        verify(keys_of(secrets), headers, BODY, AT)
    with pytest.raises(SignatureError):
        verify(keys_of(new), headers, BODY, AT)


def test_one_of_several_signatures_is_enough() -> None:
    headers = sign(keys_of(SECRET), MESSAGE, AT, BODY)
    headers["webhook-signature"] = f"v1a,xyz v1,AAAA {headers['webhook-signature']}"
    verify(keys_of(SECRET), headers, BODY, AT)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "another"},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "-5"},
        {"webhook-timestamp": "٣"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": ""},
        {"webhook-signature": "v2," + TAG[3:]},
        {"webhook-signature": "v1,\udcff"},
    ],
)
def test_whatever_is_altered_is_refused(change: dict[str, str]) -> None:
    headers = sign(keys_of(SECRET), MESSAGE, AT, BODY) | change
    with pytest.raises(SignatureError):
        verify(keys_of(SECRET), headers, BODY, AT)


def test_an_altered_body_is_refused() -> None:
    with pytest.raises(SignatureError):
        verify(keys_of(SECRET), sign(keys_of(SECRET), MESSAGE, AT, BODY), BODY + b" ", AT)


def test_a_batch_that_was_signed_more_than_five_minutes_ago_or_ahead_is_refused() -> None:
    headers = sign(keys_of(SECRET), MESSAGE, AT, BODY)
    for now_s in (AT - 300, AT + 300):
        verify(keys_of(SECRET), headers, BODY, now_s)
    for now_s in (AT - 301, AT + 301):
        with pytest.raises(TimestampError):
            verify(keys_of(SECRET), headers, BODY, now_s)


@pytest.mark.parametrize("secret", [5, b"whsec_", object(), [5], [None]])
def test_a_secret_that_is_no_text_is_told_of(secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="whsec_"):
        keys_of(secret)


@pytest.mark.parametrize("secret", ["", "hunter2", "whsec_", "whsec_???", "whsec_c2hvcnQ=", "whsec_" + "A" * 100])
def test_a_secret_that_is_none_is_told_of_and_not_shown(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="whsec_") as caught:
        keys_of([secret])
    assert secret in {"", "whsec_"} or secret not in str(caught.value)
