"""The tables of the extensions that are installed here, for those that a backup has rows of."""

from __future__ import annotations

import logging

from neonpay.errors import ExtensionError
from neonpay.extensions import installed, load
from neonpay.ledger import ExtensionTables

logger = logging.getLogger("neonpay.backup")


def tables_of_installed() -> tuple[ExtensionTables, ...]:
    """The tables of every extension that can be loaded; one that cannot is told of, and may not be needed."""
    found: list[ExtensionTables] = []
    for spec in [row.spec for row in installed() if row.spec is not None and row.spec.tables is not None]:
        try:
            tables = load(spec, "tables")
        except ExtensionError as error:
            logger.warning("%s", error)
            continue
        if isinstance(tables, ExtensionTables):
            found.append(tables)
    return tuple(found)
