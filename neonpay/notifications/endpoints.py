"""Programs that are told of events: rows of the ledger, so that all programs of the shop know them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from neonpay.books.sealing import seal_all, seal_next
from neonpay.core.clock import microseconds
from neonpay.core.events import event_names
from neonpay.core.webhook_signing import keys_of, new_secret
from neonpay.errors import ValidationError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.tables_notifications import notification_endpoints
from neonpay.notifications import queue
from neonpay.notifications.channels import ENDPOINT, Endpoint
from neonpay.notifications.config import check_url
from neonpay.store.ids import new_event_id
from neonpay.store.periodic import poke
from neonpay.store.sequence import last_number

VERSION: Final = 1
OLD_SECRET_S: Final = 24 * 3600.0
"""For so long a secret that has been changed signs beside the new one, unless somebody says otherwise."""
DUTY: Final = "notifications:events"
"""The name of the periodic task that tells endpoints of events."""
_AT_ONCE: Final = 500
_US: Final = 1_000_000
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
        """A new endpoint, with a secret of its own unless one is given; it is told of what is kept from now on.

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
            made_at_us=now_us,
        )
        while await self._ledger.run(seal_next, self._bot_id, _AT_ONCE) == _AT_ONCE:
            pass  # in small transactions, so that the one which writes the row has few left
        return await self._ledger.run(_insert, self._bot_id, endpoint)

    async def rotate(
        self,
        endpoint_id: str,
        *,
        token_bytes: Callable[[int], bytes],
        now_us: int,
        keep_s: float = OLD_SECRET_S,
    ) -> Endpoint:
        """The endpoint with a new secret; the one before signs beside it for ``keep_s`` seconds more.

        Raises:
            ValidationError: there is no such endpoint.
        """
        until_us = now_us + int(keep_s * _US)
        return await self._ledger.run(_rotate, self._bot_id, endpoint_id, new_secret(token_bytes), until_us)

    async def remove(self, endpoint_id: str) -> int:
        """Remove an endpoint; how many there were of this id."""
        return await self._ledger.run(remove_endpoint, self._bot_id, endpoint_id)


def check_events(events: Sequence[str]) -> None:
    """Return when all of these are names of events.

    Raises:
        ValidationError: one is none.
    """
    known = event_names()
    for name in events:
        if name not in known:
            raise ValidationError("events", name, f"one of {', '.join(known)}")


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
            made_at_us=microseconds(row.made_at),
            after_number=row.after_number,
            old_secret=row.old_secret,
            old_until_us=0 if row.old_until is None else microseconds(row.old_until),
        )
        for row in transaction.connection.execute(query).all()
    ]


def endpoint_called(transaction: Transaction, bot_id: int, name: str) -> Endpoint:
    """The endpoint of an id, or of as much of its beginning as one alone has.

    Raises:
        ValidationError: there is none, or there are several.
    """
    known = endpoints(transaction, bot_id)
    meant = [one for one in known if one.endpoint_id.startswith(name.removesuffix("…"))] if name else []
    if len(meant) != 1:
        ids = ", ".join(one.endpoint_id for one in meant or known)
        raise ValidationError("endpoint", name, f"the id of one of this bot's: {ids or 'it has none'}")
    return meant[0]


def remove_endpoint(transaction: Transaction, bot_id: int, endpoint_id: str) -> int:
    """Remove an endpoint, so that what waits for it is given up soon; how many there were of this id."""
    gone = sa.delete(notification_endpoints).where(_row.bot_id == bot_id, _row.endpoint_id == endpoint_id)
    queue.look_at(transaction, bot_id, endpoint_id)
    return transaction.connection.execute(gone).rowcount


def _insert(transaction: Transaction, bot_id: int, endpoint: Endpoint) -> Endpoint:
    seal_all(transaction, bot_id)  # what is kept already has a number now, and whatever comes has a greater one
    made = replace(endpoint, after_number=last_number(transaction, bot_id))
    values = {
        "bot_id": bot_id,
        "endpoint_id": made.endpoint_id,
        "url": made.url,
        "secret": made.secret,
        "events": ",".join(made.events),
        "version": made.version,
        "is_on": made.is_on,
        "made_at": made.made_at_us,
        "after_number": made.after_number,
    }
    transaction.connection.execute(sa.insert(notification_endpoints).values(**values))
    poke(transaction, bot_id, [DUTY])
    return made


def _rotate(transaction: Transaction, bot_id: int, endpoint_id: str, secret: str, until_us: int) -> Endpoint:
    before = endpoint_called(transaction, bot_id, endpoint_id)
    if before.secret == secret:
        return before  # a unit that runs again has done it
    now = replace(before, secret=secret, old_secret=before.secret, old_until_us=until_us)
    mine = sa.update(notification_endpoints).where(_row.bot_id == bot_id, _row.endpoint_id == before.endpoint_id)
    transaction.connection.execute(mine.values(secret=secret, old_secret=before.secret, old_until=until_us))
    return now
