"""Signatures of what programs post to each other, as Standard Webhooks has them (https://www.standardwebhooks.com)."""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from neonpay.errors import ConfigurationError, NeonPayError

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
TOLERANCE_S: Final = 300
"""How old, or how far ahead, the timestamp of a body may be."""
PREFIX: Final = "whsec_"
_VERSION: Final = "v1"
_LEAST_BYTES, _MOST_BYTES = 24, 64
_NEW_BYTES: Final = 32
_MOST_SIGNATURES: Final = 16
_ID_MOST_CHARS: Final = 128
_SECONDS_MOST_CHARS: Final = 12


class SignatureError(NeonPayError):
    """A body is not what it says: unsigned, signed with another secret, or altered."""

    error = "signature"


class TimestampError(SignatureError):
    """A body was signed at another time: it is sent again by somebody else, or a clock is wrong."""

    error = "timestamp"


def new_secret(token_bytes: Callable[[int], bytes]) -> str:
    """A new secret, in the form in which programs are given it."""
    return PREFIX + b64encode(token_bytes(_NEW_BYTES)).decode()


def keys_of(secrets: str | Sequence[str] | None) -> tuple[bytes, ...]:
    """The keys of these secrets; the first one signs.

    Raises:
        ConfigurationError: one is no secret of Standard Webhooks; its text is not shown.
    """
    given = [secrets] if not isinstance(secrets, list | tuple | None) else list(secrets or ())
    return tuple(map(_key, given))


def sign(keys: Sequence[bytes], message_id: str, at_s: int, body: bytes, *, by_all: bool = False) -> dict[str, str]:
    """The headers of a message that is signed with the first of the keys; none without keys.

    Args:
        by_all: sign it with each of them, so that whoever knows one of them can check it.
    """
    if not keys:
        return {}
    tags = [f"{_VERSION},{_tag(key, message_id, str(at_s), body)}" for key in (keys if by_all else keys[:1])]
    return {ID: message_id, TIMESTAMP: str(at_s), SIGNATURE: " ".join(tags)}


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: int) -> None:
    """Return when the body was signed with one of the keys, and lately.

    Raises:
        TimestampError: it was signed with one of them, at another time.
        SignatureError: it was not.
    """
    message_id, at, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (0 < len(message_id) <= _ID_MOST_CHARS and given and 0 < len(at) <= _SECONDS_MOST_CHARS and _is_number(at)):
        msg = f"it is not signed; send {ID}, {TIMESTAMP} and {SIGNATURE}"
        raise SignatureError(msg)
    tags = [tag for version, _, tag in (each.partition(",") for each in given.split(" ")) if version == _VERSION]
    wanted = [_tag(key, message_id, at, body).encode() for key in keys]
    # All of them are compared, so that the time says nothing about which one was nearly right.
    matches = [
        hmac.compare_digest(tag.encode("utf-8", "surrogateescape"), right)
        for tag in tags[:_MOST_SIGNATURES]
        for right in wanted
    ]
    if not any(matches):
        msg = "it is not signed with a secret that is known here"
        raise SignatureError(msg)
    if abs(now_s - int(at)) > TOLERANCE_S:
        msg = f"its {TIMESTAMP} is more than {TOLERANCE_S} seconds from now; Date says what time it is here"
        raise TimestampError(msg)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _tag(key: bytes, message_id: str, at: str, body: bytes) -> str:
    signed = b".".join((message_id.encode("utf-8", "surrogateescape"), at.encode(), body))
    return b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _key(secret: object) -> bytes:
    if not isinstance(secret, str):
        secret = ""  # which is none either
    try:
        found = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not secret.startswith(PREFIX) or not _LEAST_BYTES <= len(found) <= _MOST_BYTES:
        msg = (
            f"a secret is {PREFIX} and the base64 of {_LEAST_BYTES} to {_MOST_BYTES} bytes; make one with: "
            "python -c \"import base64, secrets; print('whsec_' + base64.b64encode(secrets.token_bytes(32)).decode())\""
        )
        raise ConfigurationError(msg) from None
    return found
