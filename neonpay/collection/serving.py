"""A centre beside the pages of the dashboard: what the guide calls the analytics server."""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from neonpay.collection.centre import Centre
from neonpay.collection.cleaning import cleaning
from neonpay.collection.config import HOST, PORT
from neonpay.collection.nobody import Nobody
from neonpay.collection.receiving import kept_secrets, made_secret
from neonpay.collection.routes import beside_pages
from neonpay.collection.telling import Telling, check_manager, teller_to
from neonpay.core.clock import Clock, SystemClock
from neonpay.core.webhook_signing import keys_of
from neonpay.errors import ConfigurationError
from neonpay.ledger import Ledger, open_ledger
from neonpay.ledger.memory import KEEPS_NOTHING_URL, is_memory
from neonpay.monitoring.settings import MonitoringSettings
from neonpay.payments.settings import Settings
from neonpay.reconcile.reconciler import ReconcileRules
from neonpay.settings import settings_of
from neonpay.store.signing_keys import bots as bots_of
from neonpay.tracking.settings import TrackingSettings
from neonpay.web.access.peer import host_name, is_loopback
from neonpay.web.running import run_dashboard
from neonpay.web.serving import checked_host

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore


class Collecting(Protocol):
    """What a centre asks of a collector of the same program."""

    def get_stats(self) -> dict[str, Any]:
        """What it has sent, and what it holds."""
        ...

    def trust(self, keys: Sequence[bytes]) -> None:
        """Sign with the first of these keys, unless it has a secret of its own."""
        ...


_NOT_SHOWN_AGAIN: Final = (
    "Bots have to sign what they send here. This secret was made for them, and is not shown again:\n"
)
_FORGOTTEN: Final = (
    "Bots have to sign what they send here. This secret was made for them, and since this centre keeps nothing, another one is "
    'made at each start; with run_analytics_server(database_url="sqlite:///centre.db") it stays, and so do the figures:\n'
)


@asynccontextmanager
async def serving_centre(
    multi_bot_analytics: Telling | None = None,
    event_collector: Collecting | None = None,
    *,
    host: str = HOST,
    port: int = PORT,
    webhook_secret: str | Sequence[str] | None = None,
    neonpay: NeonPayCore | None = None,
    others: Sequence[NeonPayCore] = (),
    database_url: str | None = None,
    names: Collection[str] = (),
    address: str | None = None,
    trusted_proxies: Collection[str] = (),
    token: str | None = None,
    watches_loops: bool = True,
    tell: Callable[[str], None] = print,
    clock: Clock | None = None,
    **options: Any,
) -> AsyncIterator[str]:
    """``run_analytics_server`` for the time of a block; its address.

    Args:
        others: further shops of the same ledger, for the pages.
        watches_loops: whether the shops that are given work in this program.
    """
    clock, host = clock or SystemClock(), checked_host(host)
    keys = keys_of(webhook_secret)
    check_manager(multi_bot_analytics)
    _check_collector(event_collector)
    async with AsyncExitStack() as stack:
        theirs = _place_of(multi_bot_analytics)
        if neonpay is None and database_url is None:
            neonpay, database_url = theirs
        # A manager that reads this very ledger has what is kept there, and would bring back who was erased from it.
        is_told = theirs == (None, None) or theirs != (neonpay, database_url)
        if neonpay is not None:
            shops = [neonpay, *others]
        else:
            shops = await _shops(stack, database_url or KEEPS_NOTHING_URL, clock)

        async def ledger() -> Ledger:
            return shops[0].program.pipeline.ledger

        is_here_alone = is_loopback(host) and all(is_loopback(host_name(name)) for name in names)
        if not keys:
            kept = await (await ledger()).run(kept_secrets)
            if not kept and not is_here_alone:
                is_forgotten = neonpay is None and is_memory(database_url or KEEPS_NOTHING_URL)
                told = _FORGOTTEN if is_forgotten else _NOT_SHOWN_AGAIN
                kept = [await _new_secret(await ledger(), clock, port, address, lambda line: tell(told + line))]
            keys = keys_of(kept)
        takes_unsigned = is_here_alone and not keys
        if event_collector is not None:
            event_collector.trust(keys)
        centre = Centre(
            ledger,
            clock,
            keys,
            takes_unsigned=takes_unsigned,
            token=token or settings_of(MonitoringSettings, "monitoring").token,
            own_stats=None if event_collector is None else event_collector.get_stats,
            kept=teller_to(multi_bot_analytics if is_told else None),
            names=None if multi_bot_analytics is None else multi_bot_analytics.registered_names,
        )
        keeps = settings_of(TrackingSettings, "tracking")
        await stack.enter_async_context(cleaning(await ledger(), keeps))
        running = run_dashboard(
            *shops,
            host=host,
            port=port,
            names=names,
            address=address,
            trusted_proxies=trusted_proxies,
            watches_loops=watches_loops and neonpay is not None,
            clock=clock,
            beside=[beside_pages(centre)],
            tell=tell,
            **options,
        )
        yield await stack.enter_async_context(running)


def _check_collector(collector: object) -> None:
    if collector is not None and not all(callable(getattr(collector, name, None)) for name in ("get_stats", "trust")):
        msg = f"a centre shows what a MultiBotEventCollector(...) has sent, and not {type(collector).__name__}"
        raise ConfigurationError(msg)


def _place_of(manager: Telling | None) -> tuple[NeonPayCore | None, str | None]:
    """The ledger of a manager, which then need not be told of what is in it."""
    from neonpay.app import NeonPayCore

    neonpay, database_url = getattr(manager, "neonpay", None), getattr(manager, "database_url", None)
    return neonpay if isinstance(neonpay, NeonPayCore) else None, database_url


async def _shops(stack: AsyncExitStack, database_url: str, clock: Clock) -> list[NeonPayCore]:
    """What pages read: every bot of the ledger, which is made when it is not there; the centre by itself while it has none."""
    from neonpay.app import NeonPayCore

    known: list[int] = []
    if not is_memory(database_url):
        ledger = open_ledger(database_url, clock=clock)
        try:
            known = await ledger.run(bots_of)
        finally:
            await ledger.close()
    # Nobody else would make the tables of a memory; and without a token there is no list to compare it with.
    settings = Settings(is_tool=not is_memory(database_url), reconcile=ReconcileRules(every_s=None))
    shops = [
        NeonPayCore(Nobody(bot_id), database_url=database_url, settings=settings, clock=clock)
        for bot_id in known or [Nobody.CENTRE]
    ]
    for shop in shops:
        stack.push_async_callback(shop.program.pipeline.ledger.close if settings.is_tool else shop.close)
    return shops


async def _new_secret(ledger: Ledger, clock: Clock, port: int, address: str | None, tell: Callable[[str], None]) -> str:
    secret = await ledger.run(made_secret, clock.now_us(), random_secrets.token_bytes)
    if secret is None:  # another centre was quicker, and has told it
        return str((await ledger.run(kept_secrets))[0])
    at = address or f"http://ADDRESS-OF-THIS-MACHINE:{port}"
    tell(f'EventCollectorConfig("{at}", secret="{secret}")')
    return secret
