"""Secrets in text that is not ours: bots' tokens and passwords, masked before anything keeps, prints or logs it.

Bot libraries and their HTTP clients name the address that they could not reach, and the token is a part of it; drivers of
databases may name the URL that they were given, and the password is a part of it.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

MASK: Final = "***"
KNOWN_MIN_CHARS: Final = 12
"""Shortest known secret that is masked wherever it stands: a shorter one may be a part of ordinary words."""

_COLON = r"(?::|%(?:25)*3A)"
"""As it is, and as it is inside of another address."""
_TOKEN: Final = re.compile(rf"(?<![0-9])([0-9]{{6,}}+){_COLON}[A-Za-z0-9_-]{{30,}}+", re.IGNORECASE)
"""A token as @BotFather gives it, wherever it stands."""
_ADDRESS: Final = re.compile(rf"(\bbot[0-9]++){_COLON}[A-Za-z0-9_-]++", re.IGNORECASE)
"""One of any length in an address of the Bot API: other servers, and simulated ones, have shorter tokens."""
_LOGIN: Final = re.compile(r"(://[^\s:/?#@]{0,256}:)(?![0-9]{1,5}(?:[/?#\s]|$))[^\s@]{1,256}@")
"""A password in a URL, and not the port of one that has none."""
_PASSWORD: Final = re.compile(r"[^:]*://[^:/@]*:([^@]+)@")
_NAMED: Final = re.compile(
    r"""((?:password|passwd|secret_token|x-telegram-bot-api-secret-token)["']?\s{0,4}[=:]\s{0,4}["']?)[^\s"',;&)\]}]{1,256}""",
    re.IGNORECASE,
)
"""``password=…`` of a connection string, and what a call or a header names."""
_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({})))
"""What a record has beside what somebody has given it as ``extra``."""
_HINTS: Final = (":", "=", "%")


def mask(text: str, known: Iterable[str] = ()) -> str:
    """The text without the tokens and passwords in it, which are found by their form, and without the known secrets."""
    for secret in known:
        text = text.replace(secret, MASK)
    if not any(hint in text for hint in _HINTS):
        return text
    text = _TOKEN.sub(rf"\1:{MASK}", text)
    text = _ADDRESS.sub(rf"\1:{MASK}", text)
    text = _LOGIN.sub(rf"\1{MASK}@", text)
    return _NAMED.sub(rf"\1{MASK}", text)


def passwords_in(url: str) -> list[str]:
    """The password of a URL as it is written, and as it is meant; none when it has none."""
    found = _PASSWORD.match(url)
    return [] if found is None else [found[1], unquote(found[1])]


def shows_secret(error: BaseException) -> bool:
    """Whether an error shows a secret, or one that it holds on to: a cause, a context even if unprinted, a part of a group."""
    seen: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen[id(one)] = one
        # A request that an error of an HTTP client is about is among its attributes.
        told = _told(one, chain=False) + _repr_of(vars(one))
        if mask(told) != told:
            return True
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return False


_LOADED_LATER: Final = tuple(
    f"neonpay.{name}" for name in ("analytics", "backup", "collection", "monitoring", "notifications", "web")
)
"""The loggers of packages that a program may load when its logs are guarded already."""


class SecretFilter(logging.Filter):
    """Lets every record through without secrets: in its message, its arguments, its extra text and the errors that it tells of.

    An error that shows a secret reaches the log's handlers as masked text and no longer as an object, so that no formatter can
    bring the secret back. It may be added to a handler of the host's, where it masks what other libraries log, too.

    Args:
        known: secrets whose form says nothing, masked wherever they stand if they have ``KNOWN_MIN_CHARS``.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        super().__init__()
        self._known: frozenset[str] = frozenset()
        self.learn(known)

    def learn(self, known: Iterable[str]) -> None:
        """Mask these, too."""
        self._known |= {secret for secret in known if len(secret) >= KNOWN_MIN_CHARS}

    def filter(self, record: logging.LogRecord) -> bool:
        """True, with the record masked."""
        words = _words_of(record)
        masked = mask(words, self._known)
        if masked != words:
            record.msg, record.args = masked, ()
        if record.exc_info and record.exc_info[1] is not None:
            told = _told(record.exc_info[1])
            masked = mask(told, self._known)
            if masked != told or shows_secret(record.exc_info[1]):
                record.exc_info, record.exc_text = None, masked
        elif record.exc_text:
            record.exc_text = mask(record.exc_text, self._known)
        for name, value in list(vars(record).items()):
            if name not in _OF_EVERY_RECORD and isinstance(value, str):
                setattr(record, name, mask(value, self._known))
        if record.stack_info:
            record.stack_info = mask(record.stack_info, self._known)
        return True


def guard_logs(known: Iterable[str] = ()) -> None:
    """Mask secrets in everything that neonpay's loggers log from now on; a second call adds what is known.

    A filter of a logger does not see the records of its children, so each of them has the same one.
    """
    names = [name for name in list(logging.Logger.manager.loggerDict) if name.startswith("neonpay.")]
    loggers = [logging.getLogger(name) for name in ("neonpay", *names, *_LOADED_LATER)]
    guards = [guard for guard in loggers[0].filters if isinstance(guard, SecretFilter)]
    guard = guards[0] if guards else SecretFilter()
    guard.learn(known)
    for logger in loggers:
        logger.addFilter(guard)


def _told(error: BaseException, *, chain: bool = True) -> str:
    try:
        return "".join(traceback.format_exception(error, chain=chain))
    except BaseException as exc:  # noqa: BLE001  # the same is true of an error
        return f"a {type(error).__name__} that cannot be shown ({type(exc).__name__})"


def _repr_of(attributes: object) -> str:
    try:
        return repr(attributes)
    except BaseException:  # noqa: BLE001  # and of what it holds
        return ""


def _words_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except BaseException as exc:  # noqa: BLE001  # somebody's __str__ may raise whatever it likes, and the message must still be logged
        record.msg, record.args = f"{record.msg} (with an argument that cannot be shown: {type(exc).__name__})", ()
        return record.msg
