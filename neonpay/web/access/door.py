"""What the program has said about who may come in."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from aiohttp import web

from neonpay.core.clock import Clock


@dataclass(slots=True)
class Memory:
    """What was so when the ledger last answered.

    Attributes:
        asks_for_passwords: whether an account has a password; None before it has answered.
    """

    asks_for_passwords: bool | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """How the dashboard is entered.

    Attributes:
        clock: what says when a session ends.
        trusted_proxies: from where ``X-Forwarded-*`` counts.
        is_open_here: whether whoever sits at this machine needs not sign in while no account has a password.
        only_looks: whether nobody changes anything, whatever their role.
        address: where the dashboard is reached, for links in messages; what the request says when None.
        names: the host names by which browsers reach it.
    """

    clock: Clock
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    is_open_here: bool = True
    only_looks: bool = False
    address: str | None = None
    names: frozenset[str] = frozenset()
    memory: Memory = field(default_factory=Memory)


DOOR: Final = web.AppKey("DOOR", Door)


def door(request: web.Request) -> Door:
    """The door of the dashboard that is asked."""
    return request.config_dict[DOOR]
