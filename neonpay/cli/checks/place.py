"""Whether the file of a SQLite ledger can be written, and outlives its container."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from neonpay.cli.checks.check import Check, ok, problem, skipped, warning
from neonpay.errors import LedgerError
from neonpay.ledger.place import Access, in_container, passing, refuse_unwritable

NAME = "database.place"


def check_place(
    database_url: str, *, access: Access = os.access, is_container: Callable[[], bool] = in_container
) -> Check:
    """The check of a database URL, by the user that runs it: the bot's, when that is who runs doctor."""
    try:
        url = sa.make_url(database_url)
    except (sa.exc.ArgumentError, ValueError):
        return skipped(NAME, "the URL of the database cannot be read")
    if url.get_backend_name() != "sqlite" or not url.database:
        return skipped(NAME, "the database is no SQLite file")
    path = Path(url.database)
    try:
        refuse_unwritable(path, access=access)
    except LedgerError as error:
        finding, _, advice = str(error).partition("; ")
        return problem(NAME, finding, advice)
    fault = passing(path, is_container=is_container)
    if fault is not None:
        finding, _, advice = fault.partition("; ")
        return warning(NAME, finding, advice)
    return ok(NAME, f"{path} can be written")
