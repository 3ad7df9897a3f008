"""What the program has said about who may come in."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from aiohttp import web

from neonpay.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Door:
    """How the dashboard is entered.

    Attributes:
        clock: what says when a session ends.
        trusted_proxies: from where ``X-Forwarded-*`` counts.
        is_open_here: whether whoever sits at this machine needs not sign in while no account has a password.
        only_looks: whether nobody changes anything, whatever their role.
    """

    clock: Clock
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    is_open_here: bool = True
    only_looks: bool = False


DOOR: Final = web.AppKey("DOOR", Door)


def door(request: web.Request) -> Door:
    """The door of the dashboard that is asked."""
    return request.config_dict[DOOR]
