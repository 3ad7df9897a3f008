"""The dashboard inside a bot's process, or in one beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from neonpay.core.clock import Clock, SystemClock, moment
from neonpay.web.access.accounts import FIRST, with_password
from neonpay.web.access.peer import is_loopback
from neonpay.web.access.roles import Role
from neonpay.web.access.signing_in import link_for
from neonpay.web.application import create_dashboard_app
from neonpay.web.beside import Beside
from neonpay.web.serving import HOST, PORT, checked_host, serving

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.extensions import ExtensionSpec


@asynccontextmanager
async def run_dashboard(
    neonpay: NeonPayCore,
    *more: NeonPayCore,
    host: str = HOST,
    port: int = PORT,
    names: Collection[str] = (),
    address: str | None = None,
    trusted_proxies: Collection[str] = (),
    only_looks: bool = False,
    watches_loops: bool = True,
    specs: Sequence[ExtensionSpec] | None = None,
    clock: Clock | None = None,
    beside: Sequence[Beside] = (),
    tell: Callable[[str], None] = print,
) -> AsyncIterator[str]:
    """Serve the dashboard inside the block; its address. Signals stay the program's: it ends when the block does.

    Where nobody could sign in, which is so on another address than this machine's own while no account has a password and no
    bot has ``admins``, a link to sign in with is told once, and nothing else is served until it was used.

    Args:
        host: address to listen on.
        port: 0 picks a free one.
        names, address, trusted_proxies, only_looks, watches_loops, specs, clock, beside: as for ``create_dashboard_app``.
        tell: what shows the link to whoever started the program; it must not be a log.

    Raises:
        ConfigurationError: nobody can listen there, or a trusted proxy is no address.
        LedgerError: the ledger cannot be used.
    """
    clock, host = clock or SystemClock(), checked_host(host)
    app = create_dashboard_app(
        neonpay,
        *more,
        specs=specs,
        names=[*names, *([] if is_loopback(host) else [host])],
        watches_loops=watches_loops,
        open_here=is_loopback(host),
        only_looks=only_looks,
        trusted_proxies=trusted_proxies,
        address=address,
        clock=clock,
        beside=beside,
    )
    async with serving(app, host=host, port=port) as url:
        ledger = neonpay.program.pipeline.ledger
        is_open_here = is_loopback(host) and all(map(is_loopback, names))
        has_owners = any(shop.admins for shop in (neonpay, *more))
        if not is_open_here and not has_owners and not await ledger.read(with_password):
            path = await link_for(ledger, FIRST, Role.OWNER, moment(clock.now_us()))
            at = (address or url).rstrip("/")
            tell(f"To sign in, open this link within ten minutes; it works once:\n{at}{path}")
        yield url
