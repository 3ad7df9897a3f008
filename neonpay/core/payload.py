"""The invoice payload: 1–128 bytes that come back with the money and prove which offer was paid.

::

    np1.<tag>.<invoice id>.<price>.<stage id>
     3 +1+ 22 +1+   22    +1+ ≤8  +1+  ≤64     = at most 123 bytes

* *tag*: 16 bytes of HMAC-SHA256 over the bot id and everything after the tag, as URL-safe base64 text;
* *invoice id*: a uuid7, as URL-safe base64 text;
* *price*: Stars, in base 36, so that a price can be checked even when the database is lost;
* *stage id*: as is, last, so that it may hold dots.

Signing covers the text itself, not what it decodes to, so no second spelling of one payload verifies.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import NamedTuple

from neonpay.core.limits import PRICE_MAX_STARS
from neonpay.errors import ForeignPayloadError, ForgedPayloadError

PREFIX = "np1."
_TAG_BYTES = 16
_TAG_CHARS = 22
_HEAD_CHARS = len(PREFIX) + _TAG_CHARS + 1
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_PARTS = 3


class InvoiceRef(NamedTuple):
    """What a verified payload says."""

    invoice_id: str
    stage_id: str
    price_stars: int


class PayloadCodec:
    """Signs payloads with the first key and verifies them with any.

    Args:
        bot_id: the bot that sells; payloads of one bot do not verify for another.
        keys: secrets, newest first; the first one signs.
    """

    __slots__ = ("_signers",)

    def __init__(self, bot_id: int, keys: Sequence[bytes]) -> None:
        if not keys:
            msg = "a payload codec needs at least one key"
            raise ValueError(msg)
        # Copying a keyed state is several times cheaper than keying anew for every payload.
        self._signers = tuple(hmac.new(key, b"%d|" % bot_id, "sha256") for key in keys)

    def encode(self, invoice_id: str, *, stage_id: str, price_stars: int) -> str:
        """The signed payload of an invoice, at most 128 bytes of UTF-8."""
        body = f"{invoice_id}.{_base36(price_stars)}.{stage_id}"
        return f"{PREFIX}{_tag(self._signers[0], body)}.{body}"

    def decode(self, payload: str) -> InvoiceRef:
        """What a payload says, once its signature has been verified.

        Raises:
            ForeignPayloadError: the payload is not of this format; the invoice is the host's own.
            ForgedPayloadError: it is of this format and no key verifies it.
        """
        if not is_ours(payload):
            msg = "the invoice payload was not made by neonpay"
            raise ForeignPayloadError(msg)
        tag, body = payload[len(PREFIX) : _HEAD_CHARS - 1], payload[_HEAD_CHARS:]
        parts = body.split(".", _PARTS - 1)
        if not self._verifies(tag, body) or payload[_HEAD_CHARS - 1] != "." or len(parts) != _PARTS:
            msg = "the invoice payload carries a signature that no key of this bot verifies"
            raise ForgedPayloadError(msg)
        invoice_id, price, stage_id = parts
        return InvoiceRef(invoice_id, stage_id, int(price, 36))

    def _verifies(self, tag: str, body: str) -> bool:
        # compare_digest takes text only when it is ASCII, as every tag of ours is.
        if tag.isascii():
            for signer in self._signers:
                if hmac.compare_digest(tag, _tag(signer, body)):
                    return True
        return False

    def __repr__(self) -> str:
        return f"<PayloadCodec with {len(self._signers)} keys>"


def _tag(signer: hmac.HMAC, body: str) -> str:
    keyed = signer.copy()
    keyed.update(body.encode("utf-8", "surrogatepass"))
    return urlsafe_b64encode(keyed.digest()[:_TAG_BYTES])[:_TAG_CHARS].decode()


def is_ours(payload: str | None) -> bool:
    """Whether a payload has the shape of one of ours; says nothing about who signed it."""
    return payload is not None and payload.startswith(PREFIX) and len(payload) > _HEAD_CHARS


def _base36(number: int) -> str:
    if not 0 <= number <= PRICE_MAX_STARS:
        msg = f"price_stars must be 0–{PRICE_MAX_STARS}; got {number}"
        raise ValueError(msg)
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _BASE36[rest] + digits
        if not number:
            return digits
