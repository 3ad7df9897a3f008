"""Addresses as Telegram reads them, which is not quite as the standard has it (TDL: parse_url, LinkManager)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from neonpay.simulator.wire.fields import whole_number
from neonpay.simulator.wire.refusal import Unreadable

_PROTOCOL: Final = re.compile(r"([^:/?#@\[\]]*)://")
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_HOST: Final = re.compile(r"(?:[A-Za-z0-9.\-_!$,~*'();&+=]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")
_USERINFO: Final = re.compile(r"(?:[A-Za-z0-9.\-_!$,~*'();&+=:]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])*")
_OWN_SCHEME: Final = re.compile(r"(tg|ton|tonsite):(?://)?", re.IGNORECASE)
_SPACE: Final = " \t\r\n\v\0"
_PORT_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Url:
    """An address that was read.

    Attributes:
        protocol: ``http`` or ``https``.
        userinfo: what stands before the @.
        host: in small letters; with brackets when it is an IPv6 address.
        port: 0 when none is given.
        rest: path, query and fragment, beginning with a slash.
    """

    protocol: str
    userinfo: str
    host: str
    port: int
    rest: str

    def __str__(self) -> str:
        user = f"{self.userinfo}@" if self.userinfo else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.protocol}://{user}{self.host}{port}{self.rest}"


def parse_url(text: str, *, protocol: str = "http") -> Url:
    """Read an address.

    Args:
        text: the address.
        protocol: what it is when it does not say.

    Raises:
        Unreadable: it is none.
    """
    if (match := _PROTOCOL.match(text)) is not None:
        protocol = match.group(1).lower()
        if protocol not in {"http", "https"}:
            raise Unreadable("Unsupported URL protocol")
        text = text[match.end() :]
    end = _AUTHORITY_END.search(text)
    authority, rest = (text, "") if end is None else (text[: end.start()], text[end.start() :])
    place, port = _port(authority)
    userinfo, _, host = place.rpartition("@")
    is_ipv6 = host[:1] == "[" and host[-1:] == "]"
    if is_ipv6 and not _is_ipv6(host[1:-1]):
        raise Unreadable("Wrong IPv6 address specified in the URL")
    if not host:
        raise Unreadable("URL host is empty")
    if host == ".":
        raise Unreadable("Host is invalid")
    for part, pattern, name in ((host, _HOST, "host"), (userinfo, _USERINFO, "userinfo")):
        if not (is_ipv6 and part is host) and pattern.fullmatch(part) is None:
            wrong = part[pattern.match(part).end()]  # type: ignore[union-attr] # it matches the empty text at least
            raise Unreadable(
                f"Wrong percent-encoded symbol in URL {name}" if wrong == "%" else f"Disallowed character in URL {name}"
            )
    return Url(protocol, userinfo, host.lower(), port, _rest(rest))


def checked_link(text: str, *, https_only: bool = False) -> str:
    """A link that may stand under a button or in a text, in the form that Telegram gives it.

    Raises:
        Unreadable: it may not; the reason names it.
    """
    try:
        return _checked(text, https_only=https_only)
    except Unreadable as unreadable:
        raise Unreadable(f"URL '{text}' is invalid: {unreadable.reason}") from unreadable


def _checked(text: str, *, https_only: bool) -> str:
    own = _OWN_SCHEME.match(text)
    url = parse_url(text if own is None else text[own.end() :])
    if https_only and (own is not None or url.protocol != "https"):
        raise Unreadable("Only HTTPS links are allowed")
    if own is None:
        if "." not in url.host and url.host[0] != "[":
            raise Unreadable("Wrong HTTP URL")
        return str(url)
    scheme = own.group(1).lower()
    is_plain = url.protocol == "http" and not text[own.end() :].lower().startswith("http://")
    if not is_plain or url.userinfo or url.port or url.host[0] == "[":
        raise Unreadable("Wrong tg URL" if scheme == "tg" else "Wrong ton URL")
    if re.fullmatch(r"[a-z0-9\-_.]*" if scheme == "tonsite" else r"[a-z0-9\-_]*", url.host) is None:
        raise Unreadable("Unallowed characters in URL host")
    return f"{scheme}://{url.host}{url.rest[1:] if url.rest[1:2] == '?' else url.rest}"


def _port(authority: str) -> tuple[str, int]:
    found = max(authority.rfind(mark) for mark in ":]@")
    if found < 1 or authority[found] != ":":
        return authority, 0
    port = whole_number(authority[found + 1 :].lstrip("0") or "0")
    if port is None or not 0 < port <= _PORT_MAX:
        raise Unreadable("Wrong port number specified in the URL")
    return authority[:found], port


def _rest(text: str) -> str:
    text = text.rstrip(_SPACE) or "/"
    text = text if text[0] == "/" else f"/{text}"
    return "".join(f"%{ord(letter):02X}" if letter <= " " else letter for letter in text)


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text
