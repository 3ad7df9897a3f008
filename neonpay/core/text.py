"""Text that comes from outside, made fit for every database: an error's words, a reason, a name."""

from __future__ import annotations

from neonpay.core.secrecy import mask

REASON_MAX_CHARS = 500
"""Longest text of an error or a reason that is kept; the beginning says what it is about."""
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def fit(text: str, max_chars: int) -> str:
    """The text as both databases can keep it: no NUL, no half of a surrogate pair, and not longer than ``max_chars``.

    PostgreSQL refuses a NUL in a text, and no encoder of UTF-8 takes a lone surrogate.
    """
    if len(text) > max_chars:
        text = f"{text[: max_chars - 1]}…"
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", _REPLACEMENT).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def clean(text: object, max_chars: int = REASON_MAX_CHARS) -> str:
    """Words from outside that are fit for both databases and show no bot's token and no password of a URL.

    What cannot be shown is named by its type. For what hides secrets see ``neonpay.core.secrecy``.
    """
    if type(text) is not str:
        text = _words_of(text)
    # Before it is cut, for what is left of a token could not be told any more.
    return fit(mask(text), max_chars)


def clean_or_none(text: object, max_chars: int = REASON_MAX_CHARS) -> str | None:
    """``clean`` for a text that may be left out."""
    return None if text is None else clean(text, max_chars)


def error_words(error: BaseException, max_chars: int = REASON_MAX_CHARS) -> str:
    """The type of an error and its words, fit for every database, even when the error cannot say them."""
    return clean(f"{type(error).__name__}: {clean(error, max_chars)}", max_chars)


def _words_of(value: object) -> str:
    try:
        return str.__str__(str(value))
    except BaseException:  # noqa: BLE001  # somebody's __str__ may raise whatever it likes, and its error must still be noted
        return f"a {type(value).__name__} that cannot be shown"
