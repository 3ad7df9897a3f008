"""Reading for a page: it waits for the ledger as long as a reader does, and says so when nothing comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from neonpay.core.text import error_words
from neonpay.errors import LedgerError
from neonpay.ledger import Transaction
from neonpay.monitoring.health import LEDGER_S
from neonpay.web.shops import shops

logger = logging.getLogger("neonpay.web")

P = ParamSpec("P")
T = TypeVar("T")


class BlindError(Exception):
    """The ledger does not answer a page; ``seconds`` when it was given that time, None when it refused."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__("the ledger does not answer")
        self.seconds = seconds


async def read(
    request: web.Request, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What a unit of work reads in the ledger of the pages.

    Raises:
        BlindError: it did not answer within ``LEDGER_S``, or cannot be read; the reader gets the page that says so.
    """
    return await _seen(shops(request).ledger.read(unit, *args, **kwargs))


async def report(
    request: web.Request, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """``read`` for what looks at much: nobody who sells waits for it."""
    return await _seen(shops(request).ledger.report(LEDGER_S, unit, *args, **kwargs))


async def _seen(reading: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(LEDGER_S):
            return await reading
    except TimeoutError:
        logger.warning("the ledger did not answer a page within %g s", LEDGER_S)
        raise BlindError(LEDGER_S) from None
    except LedgerError as exc:
        logger.warning("the ledger cannot be read for a page: %s", error_words(exc))
        raise BlindError(None) from exc
    except DBAPIError as exc:
        logger.exception("the ledger cannot be read for a page")  # a table is gone, or a statement is wrong
        raise BlindError(None) from exc
