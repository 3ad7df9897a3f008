"""Tables of extensions are in every backup, and come back where the extension is installed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.errors import ExtensionError
from neonpay.ledger import ExtensionTables, open_ledger
from neonpay.ledger.extension_tables import bring_up
from tests.integration.backup.conftest import BOT, Kit

if TYPE_CHECKING:
    from neonpay.ledger import Transaction

GOODS = sa.Table(
    "neonpay_ext_shelf_goods",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("bot_id", sa.BigInteger, nullable=False),
    sa.Column("is_fresh", sa.Boolean, nullable=False),
    sa.Column("tags", sa.JSON),
    sa.Column("weight", sa.Float),
    sa.Column("price", sa.Numeric(10, 2)),
    sa.Column("until", sa.DateTime),
    sa.Column("picture", sa.LargeBinary),
)
TABLES = ExtensionTables(name="shelf", package="neonpay-shelf", metadata=GOODS.metadata)
ROW = {
    "id": 7,
    "bot_id": BOT,
    "is_fresh": True,
    "tags": {"a": [1, None]},
    "weight": 0.1,
    "price": Decimal("12.30"),
    "until": datetime(2026, 11, 29, 12, 0, 1),  # noqa: DTZ001  # as the column has it
    "picture": b"\x00\xff",
}


def stock(transaction: Transaction) -> int:
    bring_up(transaction, TABLES)
    return transaction.connection.execute(sa.insert(GOODS), [ROW]).rowcount


def goods(url: str) -> list[dict[str, Any]]:
    ledger = open_ledger(url, as_it_is=True)
    try:
        return ledger.read_sync(lambda t: [dict(row) for row in t.connection.execute(sa.select(GOODS)).mappings()])
    finally:
        ledger.close_sync()


def test_what_an_extension_has_comes_back_in_both_engines(kit: Kit, database_url: str, other_url: str) -> None:
    kit.run(database_url, stock)
    made = kit.save(database_url)
    assert [one.package for one in made.extensions] == ["neonpay-shelf"]
    for url in (other_url, database_url):
        kit.restore(made.backup_id, url, extensions=[TABLES])
        assert goods(url) == [ROW]
    added = sa.insert(GOODS).values({name: value for name, value in ROW.items() if name != "id"})
    kit.run(database_url, lambda t: t.connection.execute(added).rowcount)
    assert len(goods(database_url)) == 2


def test_without_the_extension_nothing_is_restored(kit: Kit, sqlite_url: str) -> None:
    kit.run(sqlite_url, stock)
    made = kit.save(sqlite_url)
    with pytest.raises(ExtensionError, match="pip install neonpay-shelf"):
        kit.restore(made.backup_id, sqlite_url)
    assert goods(sqlite_url) == [ROW]
