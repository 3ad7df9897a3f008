"""How MTProto says no: a code, and one word for a program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD: Final = re.compile(r"[A-Z][A-Z0-9_]+")
_FLOOD, _TOO_MANY = 420, 429
_WORDS: Final = {
    "chat not found": "PEER_ID_INVALID",
    "bot was blocked by the user": "USER_IS_BLOCKED",
    "bot can't initiate conversation with a user": "PEER_ID_INVALID",
    "query is too old and response timeout expired or query ID is invalid": "QUERY_ID_INVALID",
    "message text is empty": "MESSAGE_EMPTY",
    "message to edit not found": "MESSAGE_ID_INVALID",
    "message can't be edited": "MESSAGE_ID_INVALID",
    "there is no text in the message to edit": "MESSAGE_ID_INVALID",
    "invalid media price specified": "EXTENDED_MEDIA_AMOUNT_INVALID",
    "invalid number of paid media specified": "EXTENDED_MEDIA_INVALID",  # UNVERIFIED which of its words it is
}
"""What Telegram says where the Bot API server says the sentence on the left (its source, commit 01a3679, read 2026-11-20)."""


class RpcRefusal(Exception):  # noqa: N818 - an answer, not a fault of ours
    """An ``rpc_error``.

    Attributes:
        code: Telegram's code.
        word: what went wrong, e.g. ``CHARGE_ALREADY_REFUNDED``.
    """

    def __init__(self, code: int, word: str) -> None:
        self.code = code
        self.word = word
        super().__init__(f"{code} {word}")


def refusal_of(body: Mapping[str, object]) -> RpcRefusal:
    """What MTProto says where the Bot API gives this answer."""
    code, description = body.get("error_code"), str(body.get("description"))
    assert isinstance(code, int), "every answer that is no has a code"
    if code == _TOO_MANY:
        parameters = body.get("parameters")
        return RpcRefusal(_FLOOD, f"FLOOD_WAIT_{parameters['retry_after'] if isinstance(parameters, dict) else 1}")
    reason = description.partition(": ")[2] or description
    if reason.startswith("message is not modified"):
        return RpcRefusal(code, "MESSAGE_NOT_MODIFIED")
    word = reason if _WORD.fullmatch(reason) else _WORDS.get(reason)
    return RpcRefusal(code, word or re.sub(r"[^A-Z0-9]+", "_", reason.upper()).strip("_"))
