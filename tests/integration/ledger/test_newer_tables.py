"""A program of this release goes on while the tables are the next one's already, if that one says so."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult
from neonpay.errors import ConfigurationError, SchemaTooNewError
from neonpay.ledger import Transaction, migrate, open_ledger, revisions
from neonpay.ledger.table_kit import metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.conftest import Shop

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{before}"
works_with = "{works_with}"


def upgrade():
    op.add_column("neonpay_payments", sa.Column("mood", sa.Text))
    op.add_column("neonpay_jobs", sa.Column("colour", sa.Text, nullable=False, server_default="red"))
    op.create_table("neonpay_moods", sa.Column("bot_id", sa.BigInteger, primary_key=True))
    op.create_index("neonpay_payments_by_mood", "neonpay_payments", ["bot_id", "mood"])
"""


async def upgrade_to_the_next_release(database_url: str, folder: Path, *, works_with: str) -> None:
    """Do to the tables what a program would do whose migrations are ours and one more."""
    shutil.copytree(migrate.VERSIONS, folder)
    newer = NEXT.format(before=migrate.REVISIONS[-1], works_with=works_with)
    (folder / "9000_next.py").write_text(newer)

    def unit(transaction: Transaction) -> None:
        migrate.standing(transaction.connection)  # begins what alembic must not commit
        revisions.upgrade(transaction.connection, folder, migrate.VERSION_TABLE, metadata)

    ledger = open_ledger(database_url)
    try:
        await ledger.run(unit)
        standing = await ledger.read(lambda transaction: migrate.standing(transaction.connection))
    finally:
        await ledger.close()
    assert standing is not None
    assert standing.revision == "9000"


async def test_a_program_opens_sells_and_delivers_on_the_tables_of_the_next_release(
    open_shop: Callable[..., Shop], database_url: str, tmp_path: Path, query: Callable[[sa.Select[tuple[int]]], object]
) -> None:
    await upgrade_to_the_next_release(database_url, tmp_path / "versions", works_with=migrate.REVISIONS[-1])
    shop = open_shop()
    delivered: list[str | None] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result.transaction_id)

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.delivers(outcome)
        await shop.neonpay.refund(outcome.charge_id or "")
        await shop.fact("payment_refunded")
        proof = await shop.neonpay.books.verify()
    assert (delivered, proof.is_clean) == ([outcome.charge_id], True)
    colour = sa.table("neonpay_jobs", sa.column("colour"))
    assert {tuple(row) for row in await query(sa.select(colour.c.colour))} == {("red",)}  # type: ignore[misc]


async def test_a_program_refuses_tables_of_a_release_that_says_it_is_too_old_for_them(
    open_shop: Callable[..., Shop], database_url: str, tmp_path: Path
) -> None:
    await upgrade_to_the_next_release(database_url, tmp_path / "versions", works_with="9000")
    shop = open_shop()
    with pytest.raises(SchemaTooNewError, match="programs may work that know '9000'"):
        await shop.neonpay.program.pipeline.open()


def test_a_folder_without_migrations_says_what_a_packed_program_lacks(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--collect-all neonpay"):
        revisions.revisions_in(tmp_path / "nothing")
