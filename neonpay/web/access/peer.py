"""Where a request comes from: what the connection says, and what a proxy says of it if that proxy is trusted.

``X-Forwarded-*`` is text that anybody can send. It counts when the connection comes from an address in ``trusted_proxies``, and
then only its last word that no trusted proxy has said.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from neonpay.errors import ConfigurationError
from neonpay.web.access.door import door

if TYPE_CHECKING:
    from collections.abc import Collection

    from aiohttp import web

Network = IPv4Network | IPv6Network
_FORWARDING: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


def networks(named: Collection[str]) -> tuple[Network, ...]:
    """The networks that are named, ``10.0.0.0/8`` or an address; raises ConfigurationError when one is none."""
    found = []
    for text in named:
        try:
            found.append(ip_network(text))
        except ValueError as exc:
            msg = f"trusted_proxies are addresses or networks such as 127.0.0.1 or 172.16.0.0/12; got {text!r}"
            raise ConfigurationError(msg) from exc
    return tuple(found)


def address(request: web.Request) -> str:
    """The address that the reader has; ``unknown`` when the connection has none, as one over a socket file."""
    peer = request.remote or ""
    if not _is_trusted(request, peer):
        return peer if is_address(peer) else "unknown"
    said = [part.strip() for line in request.headers.getall("X-Forwarded-For", ()) for part in line.split(",")]
    for one in reversed(said):
        if not is_address(one):
            break  # whoever said it is the last who is known
        peer = one
        if not _is_trusted(request, one):
            break
    return peer


def is_secure(request: web.Request) -> bool:
    """Whether the browser came by https."""
    if _is_trusted(request, request.remote or ""):
        said = request.headers.getall("X-Forwarded-Proto", ())
        if said:
            return said[-1].rpartition(",")[2].strip().lower() == "https"
    return request.transport is not None and request.transport.get_extra_info("sslcontext") is not None


def sits_here(request: web.Request) -> bool:
    """Whether whoever asks sits at this machine: a loopback's connection, by a loopback's name, that no proxy made."""
    if any(name in request.headers for name in _FORWARDING) or request.version < (1, 1):
        return False
    return is_loopback(request.remote or "") and is_loopback(host_name(request.host))


def host_name(authority: str) -> str:
    """The host of a Host header, without its port; empty when it is no host and port."""
    name, _, port = authority[1:].partition("]") if authority.startswith("[") else authority.partition(":")
    port = port.removeprefix(":")
    return "" if port and not (port.isascii() and port.isdecimal()) else name.rstrip(".").lower()


def own_authority(request: web.Request) -> str | None:
    """Host and port of the request if they are ours: a known name, or the address that the connection came to; else None."""
    name = host_name(request.host)
    if name in door(request).names or (is_loopback(name) and is_loopback(request.remote or "")):
        return request.host
    socket_name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return request.host if is_address(name) and isinstance(socket_name, tuple) and socket_name[0] == name else None


def is_loopback(name: str) -> bool:
    """Whether an address or a name leads to this machine and nowhere else."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _is_trusted(request: web.Request, peer: str) -> bool:
    try:
        found = ip_address(peer)
    except ValueError:
        return False
    return any(found in network for network in door(request).trusted_proxies)


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
