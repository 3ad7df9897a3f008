"""What stands in the place of a file: an address, or the id of one that was sent (TDL: FileManager, base64)."""

from __future__ import annotations

import string
from typing import Final

from neonpay.simulator.wire.refusal import Unreadable, bad_request
from neonpay.simulator.wire.urls import parse_url

_LETTERS: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_VALUES: Final = {letter: value for value, letter in enumerate(_LETTERS)}
_PADDING_MAX: Final = 2
_SPARE: Final = {2: 0b1111, 3: 0b11}
"""Bits of the last letter that say nothing and have to be 0, by how many letters the last four are."""
_LAST_BYTES: Final = frozenset({2, 3, 4})
"""What ids end in: how they are written."""


def require_address(text: str) -> None:
    """Refuse what has a dot, which makes it an address, and is none.

    Raises:
        Refusal: it is none.
    """
    try:
        parse_url(text)
    except Unreadable as unreadable:
        raise bad_request(f"invalid file HTTP URL specified: {unreadable.reason}") from unreadable


def require_file_id(text: str) -> None:
    """Refuse what cannot be the id of any file.

    Raises:
        Refusal: it cannot.
    """
    wrong = _wrong_in(text)
    if wrong:
        raise bad_request(f"wrong remote file identifier specified: {wrong}")


def _wrong_in(text: str) -> str:
    letters = text.rstrip("=")
    padding, last = len(text) - len(letters), len(letters) % 4
    if padding > _PADDING_MAX:
        return "Wrong string padding"
    if padding and len(text) % 4:
        return "Wrong padding length"
    if last == 1:
        return "Wrong string length"
    if not _VALUES.keys() >= set(letters):
        return "Wrong character in the string"
    values = [_VALUES[letter] for letter in letters]
    if values[-1] & _SPARE.get(last, 0):
        return "Wrong padding in the string"
    bits = values[-2] << 6 | values[-1]
    return "" if bits >> {2: 4, 3: 2}.get(last, 0) & 0xFF in _LAST_BYTES else "can't unserialize it. Wrong last symbol"
