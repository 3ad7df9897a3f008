"""Reading for a page: it waits for the ledger as long as a reader does, and says so when nothing comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from neonpay.core.text import error_words
from neonpay.errors import LedgerError
from neonpay.ledger import Transaction
from neonpay.web.pace import give_way
from neonpay.web.shops import shops

logger = logging.getLogger("neonpay.web")

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE: Final = web.AppKey("PATIENCE", float)


class BlindError(Exception):
    """The ledger does not answer a page; ``seconds`` when it was given that time, None when it refused."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__("the ledger does not answer")
        self.seconds = seconds


def patience_s(request: web.Request) -> float:
    """How long pages wait for an answer of the ledger."""
    return request.config_dict[PATIENCE]


async def read(
    request: web.Request, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What a unit of work reads in the ledger of the pages, by connections that nobody who sells waits for.

    Raises:
        BlindError: it did not answer in time, or cannot be read; the reader gets the page that says so.
    """
    limit_s = patience_s(request)
    await give_way()
    try:
        async with asyncio.timeout(2 * limit_s):  # where the limit is not kept, as while a file is being opened
            return await shops(request).ledger.report(limit_s, unit, *args, **kwargs)
    except TimeoutError:
        logger.warning("the ledger did not answer a page within %g s", limit_s)
        raise BlindError(limit_s) from None
    except LedgerError as exc:
        logger.warning("the ledger cannot be read for a page: %s", error_words(exc))
        raise BlindError(None) from exc
    except DBAPIError as exc:
        logger.exception("the ledger cannot be read for a page")  # a table is gone, or a statement is wrong
        raise BlindError(None) from exc
