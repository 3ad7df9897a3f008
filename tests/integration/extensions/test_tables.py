"""Tables of an extension are made, upgraded, listed and moved like our own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import sqlalchemy as sa

from neonpay.books.transfer import move
from neonpay.errors import ExtensionError, SchemaTooNewError
from neonpay.ledger import ExtensionTables, Ledger, Transaction, migrate, open_ledger
from neonpay.ledger.extension_tables import ensure_tables
from neonpay.ledger.table_kit import metadata
from neonpay.ledger.tables import extension_tables
from neonpay.payments.extension import Extension, Lent, SendBack, Settlement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from tests.integration.conftest import Shop

SHELF = sa.Table(
    "neonpay_ext_shelf_life_goods",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("bot_id", sa.BigInteger, nullable=False),
    sa.Column("charge_id", sa.Text, unique=True),
    sa.Column("is_fresh", sa.Boolean, nullable=False),
    sa.Column("tags", sa.JSON),
)
TABLES = ExtensionTables(name="shelf-life", package="neonpay-shelf-life", metadata=SHELF.metadata)
COMMON = sa.Table("neonpay_ext_common_words", sa.MetaData(), sa.Column("word", sa.Text, primary_key=True))

SCRIPTS = {
    "0001_goods.py": """
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.create_table("neonpay_ext_late_goods", sa.Column("bot_id", sa.BigInteger, primary_key=True))
""",
    "0002_colour.py": """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("neonpay_ext_late_goods", sa.Column("colour", sa.Text))
""",
}


class Shelf(Extension):
    """Keeps what was paid for."""

    name = "shelf-life"
    tables: ClassVar[ExtensionTables | None] = TABLES

    def settle(self, transaction: Lent, payments: Sequence[Settlement]) -> Mapping[str, SendBack]:
        for one in payments:
            row = {"bot_id": one.payment.bot_id, "charge_id": one.payment.charge_id, "is_fresh": True, "tags": ["a", 1]}
            transaction.connection.execute(sa.insert(SHELF).values(row))
        return {}


def late(folder: Path, *names: str) -> ExtensionTables:
    """Tables with the migrations of these files, as a version of the extension brings them."""
    folder.mkdir()
    for name in names:
        (folder / name).write_text(SCRIPTS[name])
    goods = sa.Table("neonpay_ext_late_goods", sa.MetaData(), sa.Column("bot_id", sa.BigInteger, primary_key=True))
    return ExtensionTables(name="late", package="neonpay-late", metadata=goods.metadata, migrations=folder)


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    ledger = open_ledger(database_url)
    yield ledger
    await ledger.close()


@pytest.fixture
async def target(other_url: str) -> AsyncIterator[Ledger]:
    ledger = open_ledger(other_url)
    yield ledger
    await asyncio.to_thread(ledger.close_sync)


async def moves(url: str, target: Ledger, bot_id: int, *extensions: ExtensionTables) -> None:
    def work() -> None:
        source = open_ledger(url, as_it_is=True)
        try:
            move(source, target, bot_ids=[bot_id], note=lambda *_: None, extensions=extensions)
        finally:
            source.close_sync()

    await asyncio.to_thread(work)


async def execute(ledger: Ledger, statement: sa.Executable) -> None:
    await ledger.run(lambda transaction: transaction.connection.execute(statement) and None)


def rows(select: sa.Select[Any]) -> Callable[[Transaction], list[tuple[Any, ...]]]:
    return lambda transaction: [tuple(row) for row in transaction.connection.execute(select)]


def columns(transaction: Transaction) -> set[str]:
    return {column["name"] for column in sa.inspect(transaction.connection).get_columns("neonpay_ext_late_goods")}


async def sold(shop: Shop) -> str:
    """Charge id of a payment that the extension has a row of."""
    shop.neonpay.use(Shelf())
    shop.neonpay.on_payment(name="deliver")(lambda: None)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.delivers(outcome)
    return outcome.charge_id or ""


async def test_a_shop_that_uses_an_extension_has_its_tables_and_lists_them(
    shop: Shop, query: Callable[[sa.Select[Any]], Any]
) -> None:
    charge_id = await sold(shop)
    assert await query(sa.select(SHELF.c.charge_id)) == [(charge_id,)]
    assert await query(sa.select(extension_tables)) == [(SHELF.name, "shelf-life", "neonpay-shelf-life")]


async def test_workers_that_open_at_the_same_time_make_the_tables_once(database_url: str, tmp_path: Path) -> None:
    tables = late(tmp_path / "both", *SCRIPTS)
    ledgers = [open_ledger(database_url) for _ in range(4)]
    try:
        await asyncio.gather(*(ensure_tables(ledger, tables) for ledger in ledgers))
        assert await ledgers[0].read(columns) == {"bot_id", "colour"}
    finally:
        for ledger in ledgers:
            await ledger.close()


async def test_an_extension_upgrades_its_tables_and_an_older_version_of_it_refuses_them(
    ledger: Ledger, tmp_path: Path
) -> None:
    older, newer = late(tmp_path / "older", "0001_goods.py"), late(tmp_path / "newer", *SCRIPTS)
    await ensure_tables(ledger, older)
    assert await ledger.read(columns) == {"bot_id"}
    await ensure_tables(ledger, newer)
    assert await ledger.read(columns) == {"bot_id", "colour"}
    with pytest.raises(SchemaTooNewError, match="Upgrade neonpay-late"):
        await ensure_tables(ledger, older)
    assert await ledger.read(lambda t: migrate.standing(t.connection)) is not None


async def test_migrations_that_do_not_make_what_is_declared_leave_nothing(ledger: Ledger, tmp_path: Path) -> None:
    tables = late(tmp_path / "both", *SCRIPTS)
    sa.Table("neonpay_ext_late_more", tables.metadata, sa.Column("bot_id", sa.BigInteger, primary_key=True))
    with pytest.raises(ExtensionError, match="do not make neonpay_ext_late_more"):
        await ensure_tables(ledger, tables)
    assert not await ledger.read(lambda t: sa.inspect(t.connection).has_table("neonpay_ext_late_goods"))


async def test_a_table_of_another_extension_is_left_alone(ledger: Ledger) -> None:
    await ensure_tables(ledger, TABLES)
    other = sa.MetaData()
    sa.Table("neonpay_ext_shelf_life_goods", other, sa.Column("bot_id", sa.BigInteger, primary_key=True))
    with pytest.raises(ExtensionError, match="is one of the extension shelf-life"):
        await ensure_tables(ledger, ExtensionTables(name="shelf", package="neonpay-shelf", metadata=other))


@pytest.mark.parametrize("table_name", ["neonpay_payments", "neonpay_ext_other_things", None])
def test_a_name_that_is_somebody_elses_is_refused(table_name: str | None) -> None:
    declared = sa.MetaData()
    if table_name is not None:
        sa.Table(table_name, declared, sa.Column("bot_id", sa.BigInteger, primary_key=True))
    with pytest.raises(ExtensionError, match="neonpay_ext_mine_things"):
        ExtensionTables(name="mine", package="mine", metadata=declared)


async def test_rows_of_an_extension_go_along_and_its_counter_goes_on(
    shop: Shop, database_url: str, target: Ledger
) -> None:
    await sold(shop)
    await shop.aclose()
    bot_id = shop.neonpay.program.adapter.bot_id
    await moves(database_url, target, bot_id, TABLES)
    next_one = sa.insert(SHELF).values(bot_id=bot_id, charge_id="next", is_fresh=False)

    def unit(transaction: Transaction) -> list[tuple[Any, ...]]:
        transaction.connection.execute(next_one)
        return rows(sa.select(SHELF.c.id, SHELF.c.is_fresh, SHELF.c.tags).order_by(SHELF.c.id))(transaction)

    assert await asyncio.to_thread(target.run_sync, unit) == [(1, True, ["a", 1]), (2, False, None)]
    listed = await asyncio.to_thread(target.read_sync, rows(sa.select(extension_tables.c.table_name)))
    assert listed == [(SHELF.name,)]


async def test_a_move_without_the_package_names_it_and_writes_nothing(
    shop: Shop, database_url: str, target: Ledger
) -> None:
    await sold(shop)
    await shop.aclose()
    with pytest.raises(ExtensionError, match="pip install neonpay-shelf-life"):
        await moves(database_url, target, shop.neonpay.program.adapter.bot_id)
    for table in metadata.sorted_tables:
        assert await asyncio.to_thread(target.read_sync, rows(sa.select(table))) == [], table.name


async def test_rows_that_are_no_bots_are_not_moved_and_a_table_without_rows_keeps_nobody(
    shop: Shop, database_url: str, target: Ledger, ledger: Ledger
) -> None:
    common = ExtensionTables(name="common", package="neonpay-common", metadata=COMMON.metadata)
    async with shop.neonpay:
        await ensure_tables(ledger, common)
    await moves(database_url, target, shop.neonpay.program.adapter.bot_id)
    await execute(ledger, sa.insert(COMMON).values(word="hello"))
    with pytest.raises(
        ExtensionError, match="extension common: its table neonpay_ext_common_words has no column bot_id"
    ):
        await moves(database_url, target, 1, common)


async def test_a_listed_table_that_is_gone_is_told_of(
    shop: Shop, database_url: str, target: Ledger, ledger: Ledger
) -> None:
    async with shop.neonpay:
        await ensure_tables(ledger, TABLES)
    await execute(ledger, sa.schema.DropTable(SHELF))
    with pytest.raises(ExtensionError, match="is not there; restore it"):
        await moves(database_url, target, shop.neonpay.program.adapter.bot_id, TABLES)


async def test_a_ledger_of_a_newer_release_is_not_moved_by_this_one(
    shop: Shop, database_url: str, target: Ledger, ledger: Ledger
) -> None:
    async with shop.neonpay:
        pass
    version = sa.table(migrate.VERSION_TABLE, sa.column("version_num"))
    await execute(ledger, sa.update(version).values(version_num="9999"))
    with pytest.raises(SchemaTooNewError, match="would stay behind"):
        await moves(database_url, target, shop.neonpay.program.adapter.bot_id)
