"""``run_analytics_server``: a centre that runs until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from neonpay.collection.config import HOST, PORT

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.collection.serving import Collecting
    from neonpay.collection.telling import Telling
    from neonpay.core.clock import Clock


async def run_analytics_server(
    multi_bot_analytics: Telling | None = None,
    event_collector: Collecting | None = None,
    host: str = HOST,
    port: int = PORT,
    webhook_secret: str | Sequence[str] | None = None,
    *,
    neonpay: NeonPayCore | None = None,
    database_url: str | None = None,
    names: Collection[str] = (),
    address: str | None = None,
    trusted_proxies: Collection[str] = (),
    token: str | None = None,
    tell: Callable[[str], None] = print,
    clock: Clock | None = None,
) -> None:
    """Serve the dashboard, and beside it what bots send to, until the task is cancelled or the program ends.

    Args:
        multi_bot_analytics: a manager that is told of everything that comes; one without a ledger of its own would not know it
            otherwise.
        event_collector: the collector of this program; `GET /analytics/status` has what it says of itself.
        host: ``localhost`` for this machine alone. On any other address batches have to be signed, and without
            ``webhook_secret`` a secret is made, kept in the ledger, and told once.
        port: 0 picks a free one.
        webhook_secret: the secret of the centre, or several while it is being replaced, the one that signs first.
        neonpay: a shop of this program, in whose ledger everything is kept.
        database_url: the ledger in which everything is kept. When both are left out, it is that of the manager; without one it
            is memory, which is forgotten.
        names, address, trusted_proxies: as for ``neonpay.web.run_dashboard``.
        token: with which programs read figures; that of ``[monitoring]`` when left out.
        tell: what shows the address, and a secret that was made, to whoever started the program; it must not be a log.

    Raises:
        ConfigurationError: nobody can listen there, or a secret is none.
        LedgerError: the ledger cannot be used.
    """
    from neonpay.collection.serving import serving_centre  # the dashboard is an extra

    serving = serving_centre(
        multi_bot_analytics,
        event_collector,
        host=host,
        port=port,
        webhook_secret=webhook_secret,
        neonpay=neonpay,
        database_url=database_url,
        names=names,
        address=address,
        trusted_proxies=trusted_proxies,
        token=token,
        tell=tell,
        clock=clock,
    )
    async with serving as url:
        tell(f"The dashboard is at {url}, and takes what bots send.")
        await asyncio.Event().wait()
