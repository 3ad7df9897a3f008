"""Programs that are told of events: rows of the ledger, so that all programs of the shop know them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from neonpay.core.events import Event, event_names
from neonpay.core.webhook_signing import keys_of, new_secret
from neonpay.errors import ValidationError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.tables_notifications import notification_endpoints
from neonpay.notifications.channels import ENDPOINT, Endpoint
from neonpay.notifications.config import check_url
from neonpay.store.ids import new_event_id

VERSION = 1
_row = notification_endpoints.c


class EndpointBook:
    """The endpoints of one bot."""

    def __init__(self, ledger: Ledger, bot_id: int) -> None:
        self._ledger = ledger
        self._bot_id = bot_id

    async def find(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint of an id; None when it is gone or off."""
        found = await self._ledger.read(endpoints, self._bot_id)
        return next((one for one in found if one.endpoint_id == endpoint_id and one.is_on), None)

    async def all(self) -> list[Endpoint]:
        """All of them, in the order in which they were made."""
        return await self._ledger.read(endpoints, self._bot_id)

    async def add(
        self,
        url: str,
        *,
        events: Sequence[str] = (),
        secret: str | None = None,
        token_bytes: Callable[[int], bytes],
        now_us: int,
    ) -> Endpoint:
        """A new endpoint, with a secret of its own unless one is given.

        Raises:
            ConfigurationError: the URL or the secret is none.
            ValidationError: an event is none that there is.
        """
        check_url("url", url)
        check_events(events)
        if secret is not None:
            keys_of(secret)
        endpoint = Endpoint(
            endpoint_id=f"{ENDPOINT}{new_event_id()}",
            url=url,
            secret=secret or new_secret(token_bytes),
            events=tuple(events),
            version=VERSION,
        )
        await self._ledger.run(_insert, self._bot_id, endpoint, now_us)
        return endpoint

    async def remove(self, endpoint_id: str) -> int:
        """Remove an endpoint; how many there were of this id."""
        return await self._ledger.run(_delete, self._bot_id, endpoint_id)


def check_events(events: Sequence[str]) -> None:
    """Return when all of these are names of events.

    Raises:
        ValidationError: one is none.
    """
    known = event_names()
    for name in events:
        if name not in known:
            raise ValidationError("events", name, f"one of {', '.join(known)}")


def wants(endpoint: Endpoint, event: Event) -> bool:
    """Whether an endpoint is to be told of an event."""
    return endpoint.is_on and (not endpoint.events or event.name in endpoint.events)


def endpoints(transaction: Transaction, bot_id: int) -> list[Endpoint]:
    """All endpoints of a bot."""
    query = sa.select(notification_endpoints).where(_row.bot_id == bot_id).order_by(_row.made_at, _row.endpoint_id)
    return [
        Endpoint(
            endpoint_id=row.endpoint_id,
            url=row.url,
            secret=row.secret,
            events=tuple(filter(None, row.events.split(","))),
            version=row.version,
            is_on=row.is_on,
        )
        for row in transaction.connection.execute(query).all()
    ]


def _insert(transaction: Transaction, bot_id: int, endpoint: Endpoint, now_us: int) -> None:
    values = {
        "bot_id": bot_id,
        "endpoint_id": endpoint.endpoint_id,
        "url": endpoint.url,
        "secret": endpoint.secret,
        "events": ",".join(endpoint.events),
        "version": endpoint.version,
        "is_on": endpoint.is_on,
        "made_at": now_us,
    }
    transaction.connection.execute(sa.insert(notification_endpoints).values(**values))


def _delete(transaction: Transaction, bot_id: int, endpoint_id: str) -> int:
    gone = sa.delete(notification_endpoints).where(_row.bot_id == bot_id, _row.endpoint_id == endpoint_id)
    return transaction.connection.execute(gone).rowcount
