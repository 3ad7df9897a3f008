"""``neonpay.tracking``: what was counted of what people do beside buying."""

from __future__ import annotations

from datetime import datetime
from typing import Final, get_args

from neonpay.core.jsontext import JsonObject
from neonpay.core.namespaces import M, verb
from neonpay.core.whole import is_whole
from neonpay.errors import ValidationError
from neonpay.ledger import Transaction
from neonpay.payments.namespaces.served import Served
from neonpay.tracking.reading import By, count_soft, pseudonymised
from neonpay.tracking.retention import clean
from neonpay.tracking.soft_event import ID_MAX_CHARS, NAME_MAX_CHARS, check_text, is_aware

LIMIT_S: Final = 30.0
_MOST_DAYS: Final = 100_000
_MOST_ROWS: Final = 10_000
_BY: Final = get_args(By)


class Tracked(Served[M], path="tracking"):
    """Soft events of this bot, with those that this program has told and not written yet."""

    @verb
    async def count(
        self,
        *,
        by: By = "kind",
        kind: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        people: bool = False,
    ) -> dict[str, int]:
        """How many events there are, most first: by kind, by what they are about (``subject``) or by ``source``.

        Args:
            kind: only of this kind.
            since, until: not before the one, and before the other; aware.
            people: count people, each once, and not events.

        Raises:
            ValidationError: an argument is not what it has to be.
            LedgerTimeoutError: it took longer than half a minute.
            LedgerError: the ledger cannot be read.
        """
        if by not in _BY:
            raise ValidationError("by", by, f"one of {', '.join(_BY)}")
        if kind is not None:
            check_text("kind", kind, NAME_MAX_CHARS)
        _check_between(since, until)
        pipeline = await self._opened()
        await pipeline.beside.write()

        def unit(transaction: Transaction) -> dict[str, int]:
            bots = (pipeline.adapter.bot_id,)
            return count_soft(transaction, bots, by=by, kind=kind, since=since, until=until, people=people)

        return await pipeline.ledger.report(LIMIT_S, unit)

    @verb
    async def export(
        self, *, since: datetime | None = None, until: datetime | None = None, after: str = "", limit: int = 1000
    ) -> list[JsonObject]:
        """Events without persons, by their ids: a pseudonym, the same in each export, stands in the place of a user id.

        What the program told as ``metadata`` is left out. It is no anonymity where a source or a time gives somebody away.

        Args:
            since, until: not before the one, and before the other; aware.
            after: the last ``event_id`` of the page before.
            limit: most events, 1–10,000.

        Raises:
            ValidationError: an argument is not what it has to be.
            LedgerError: the ledger cannot be read.
        """
        if not is_whole(limit, 1, _MOST_ROWS):
            raise ValidationError("limit", limit, f"a whole number from 1 to {_MOST_ROWS}")
        if after != "":
            check_text("after", after, ID_MAX_CHARS)
        _check_between(since, until)
        pipeline = await self._opened()
        await pipeline.beside.write()

        def unit(transaction: Transaction) -> list[JsonObject]:
            bot_id = pipeline.adapter.bot_id
            return pseudonymised(transaction, bot_id, since=since, until=until, after=after, limit=limit)

        return await pipeline.ledger.report(LIMIT_S, unit)

    @verb
    async def cleanup_old_data(self, days: int) -> int:
        """Remove events that are older than so many days, whatever their kind; how many there were.

        Where people came from first stays; ``neonpay.people.erase`` removes it.

        Raises:
            ValidationError: ``days`` is no whole number above 0.
            LedgerError: the database failed; what was removed by then is gone.
        """
        if not is_whole(days, 1, _MOST_DAYS):
            raise ValidationError("days", days, "a whole number above 0")
        pipeline = await self._opened()
        return await clean(pipeline.ledger, pipeline.adapter.bot_id, days, {})


def _check_between(since: object, until: object) -> None:
    for name, at in (("since", since), ("until", until)):
        if at is not None and not is_aware(at):
            raise ValidationError(name, at, "a datetime with a time zone, or None")
