"""An extension with all hooks can keep all that is promised, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from neonpay.testing.extension_suite import ExtensionConformance, ExtensionFactory
from tests.shelf import Shelf, held, sold

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa


class ShelfRules(ExtensionConformance):
    @pytest.fixture
    def extension_factory(self) -> ExtensionFactory:
        return Shelf

    def summary(self, connection: sa.Connection) -> object:
        """Ids of invoices and of approvals are made at random, so that only their number can be compared."""
        things = connection.execute(held.select()).all()
        return len(things), {thing.terms for thing in things}, sorted(connection.scalars(sold.select()))


class TestSQLite(ShelfRules):
    pass


class TestPostgreSQL(ShelfRules):
    @pytest.fixture
    def new_database(self, new_postgresql: Callable[[], str]) -> Callable[[], str]:
        return new_postgresql
