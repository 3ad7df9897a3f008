"""What counts as this machine."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_PRIVATE: Final = ("localhost", "internal", "local", "test", "home.arpa")
"""Ends of names that nobody can register: RFC 6761, RFC 6762, RFC 8375 and ICANN's 2024.07.29.06 (read 2026-11-27)."""


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address can only be this machine."""
    name = _name(host)
    if name == "localhost":
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def is_address(host: str) -> bool:
    """Whether a host is an address and not a name."""
    return _address(_name(host)) is not None


def is_no_foreign_name(host: str | None) -> bool:
    """Whether a host is an address or a name of a network of one's own, which no page of the internet can have."""
    name = _name(host)
    if not name or _address(name) is not None:
        return bool(name)
    return "." not in name or any(name == end or name.endswith(f".{end}") for end in _PRIVATE)


def name_in(authority: str) -> str:
    """The host of a Host header, without its port."""
    return authority.partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]


def _name(host: str | None) -> str:
    return (host or "").strip("[]").rstrip(".").lower()


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
