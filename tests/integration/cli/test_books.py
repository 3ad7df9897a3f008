"""``neonpay verify``, ``reconcile``, ``export`` and ``move``."""

from __future__ import annotations

import csv
import importlib
import io
import itertools
import json
import os
import stat
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest
import sqlalchemy as sa

from neonpay.books.paper import cell
from neonpay.cli.main import app
from neonpay.core.sheets import COLUMNS, Sheet, columns_of
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.extension_tables import ensure_tables
from neonpay.ledger.tables import journal, payments, refunds
from tests.integration.registry.distributions import install

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.busy import Busy
    from tests.integration.cli.conftest import Command


async def change(url: str, statement: sa.Executable) -> None:
    def unit(transaction: Transaction) -> None:
        transaction.connection.execute(statement)

    ledger = open_ledger(url)
    await ledger.run(unit)
    await ledger.close()


async def test_honest_books_are_proved(neonpay: Command) -> None:
    async with neonpay.shop.neonpay:
        await neonpay.shop.neonpay.books.seal()
    proof = await neonpay.json("verify")
    assert (proof["is_clean"], proof["payments"], proof["accounts"]["stars"]) == (
        True,
        4,
        {"stars": 100, "nanostars": 0},
    )
    people = await neonpay("verify", "--head", proof["head"])
    assert people.exit_code == 0
    assert proof["head"] in people.stdout
    assert "Everything adds up." in people.stdout


async def test_books_that_were_changed_are_told(neonpay: Command, database_url: str) -> None:
    await change(database_url, sa.update(payments).values(amount_stars=5))
    told = await neonpay("verify")
    assert told.exit_code == 1
    assert "payment_differs" in told.stdout
    assert neonpay.charges["kept"] in told.stdout
    assert "do not add up" in told.stdout


async def test_a_head_that_is_not_in_the_chain_is_told(neonpay: Command) -> None:
    told = await neonpay("verify", "--head", "0" * 64)
    assert (told.exit_code, "unknown_head" in told.stdout) == (1, True)


async def test_a_nightly_job_keeps_the_head_and_tells_of_books_that_were_written_anew(
    neonpay: Command, tmp_path: Path
) -> None:
    kept = tmp_path / "head"
    nightly = ("verify", "--head-file", str(kept))
    assert (await neonpay(*nightly)).exit_code == 0
    kept.unlink(missing_ok=True)  # there is one if the shop has sealed something while it sold
    async with neonpay.shop.neonpay:
        await neonpay.shop.neonpay.books.seal()
    assert (await neonpay(*nightly)).exit_code == 0
    assert kept.read_text().strip() == (await neonpay.json("verify"))["head"]
    assert (await neonpay(*nightly)).exit_code == 0
    kept.write_text("0" * 64)
    told = await neonpay(*nightly)
    assert (told.exit_code, "unknown_head" in told.stdout, kept.read_text()) == (1, True, "0" * 64)


async def test_a_head_file_that_cannot_be_used_is_told_in_one_line(neonpay: Command, tmp_path: Path) -> None:
    told = await neonpay("verify", "--head-file", str(tmp_path))
    assert (told.exit_code, told.stderr) == (3, f"neonpay: Is a directory: {tmp_path}\n")
    both = await neonpay("verify", "--head", "0" * 64, "--head-file", str(tmp_path / "head"))
    assert both.exit_code == 2


async def test_the_ledger_is_compared_with_telegram(neonpay: Command) -> None:
    arguments = ("reconcile", "--api-url", neonpay.shop.telegram.base_url)
    report = await neonpay.json(*arguments, **neonpay.with_token)
    assert (report["is_complete"], report["balance_stars"], report["unexplained"]) == (True, 100, 0)
    by_variable = {**neonpay.with_token, "NEONPAY_API_URL": neonpay.shop.telegram.base_url}
    people = await neonpay("reconcile", **by_variable)
    assert people.exit_code == 0
    assert "100 Stars" in people.stdout


async def test_a_comparison_needs_a_token(neonpay: Command) -> None:
    told = await neonpay("reconcile")
    assert told.exit_code == 3
    assert "set NEONPAY_BOT_TOKEN or give --token-file" in told.stderr


async def test_payments_are_exported_for_spreadsheets(neonpay: Command) -> None:
    written = await neonpay("export", "payments")
    rows = list(csv.DictReader(io.StringIO(written.stdout)))
    assert tuple(rows[0]) == COLUMNS[Sheet.PAYMENTS]
    assert [row["charge_id"] for row in rows] == sorted(
        neonpay.charges.values(),
        key=lambda charge_id: next((r["paid_at"], charge_id) for r in rows if r["charge_id"] == charge_id),
    )
    kept = next(row for row in rows if row["charge_id"] == neonpay.charges["kept"])
    assert (kept["amount_stars"], kept["state"], kept["attention"], kept["is_recurring"]) == (
        "50",
        "accepted",
        "",
        "false",
    )
    assert kept["paid_at"].endswith("+00:00")


@pytest.mark.parametrize(("sheet", "rows"), [("payments", 4), ("refunds", 2), ("journal", 16), ("daily", 4)])
async def test_every_sheet_is_exported_for_programs_too(neonpay: Command, sheet: str, rows: int) -> None:
    written = await neonpay("export", sheet, "--format", "jsonl")
    found = [json.loads(line) for line in written.stdout.splitlines()]
    assert len(found) == rows
    assert all(tuple(row) == COLUMNS[Sheet(sheet)] for row in found)
    if sheet == "journal":
        assert sum(row["amount_stars"] for row in found) == 0


async def test_the_journal_goes_by_its_times_and_keeps_the_rows_of_an_entry_together(
    neonpay: Command, database_url: str
) -> None:
    newest = sa.select(sa.func.max(journal.c.event_id)).scalar_subquery()
    await change(database_url, sa.update(journal).where(journal.c.event_id == newest).values(at=1_735_687_800_000_000))
    rows = list(csv.DictReader(io.StringIO((await neonpay("export", "journal")).stdout)))
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert rows[0]["at"] < rows[-1]["at"]
    events = [row["event_id"] for row in rows]
    assert len({*events}) == 1 + sum(one != other for one, other in itertools.pairwise(events))


async def test_a_row_says_what_its_stars_would_bring_by_a_rate_with_its_date(neonpay: Command) -> None:
    for sheet in ("payments", "refunds"):
        for line in (await neonpay("export", sheet, "--format", "jsonl")).stdout.splitlines():
            row = json.loads(line)
            estimate = [row[name] for name in ("estimate_usd", "estimate_usd_per_star", "estimate_rate_read_on")]
            assert (estimate, row["bot_id"]) == ([0.65, 0.013, "2026-11-20"], neonpay.shop.account.id)


async def test_names_of_buyers_are_exported_when_they_are_asked_for(neonpay: Command) -> None:
    plain = (await neonpay("export", "payments")).stdout
    named = list(csv.DictReader(io.StringIO((await neonpay("export", "payments", "--names")).stdout)))
    assert "Ann" not in plain
    assert {row["first_name"] for row in named} == {"Ann"}
    assert tuple(named[0]) == (*COLUMNS[Sheet.PAYMENTS], "username", "first_name")


async def test_debit_and_credit_of_a_day_are_equal_and_say_what_the_journal_says(neonpay: Command) -> None:
    rows = [json.loads(line) for line in (await neonpay("export", "daily", "--format", "jsonl")).stdout.splitlines()]
    by_account = {row["account"]: (row["debit_stars"], row["credit_stars"]) for row in rows}
    assert by_account == {"stars": (200, 100), "revenue": (100, 200), "refunds": (50, 0), "unsettled": (50, 100)}
    assert sum(debit for debit, _ in by_account.values()) == sum(credit for _, credit in by_account.values())
    assert len({row["day"] for row in rows}) == 1
    assert sum(row["rows"] for row in rows) == 16


async def test_a_day_is_that_of_the_zone(neonpay: Command, database_url: str) -> None:
    await change(database_url, sa.update(journal).values(at=1_735_687_800_000_000))  # 2024-12-31 23:30 UTC
    for zone, day in (("UTC", "2024-12-31"), ("Asia/Kathmandu", "2025-01-01")):
        shown = (await neonpay("export", "daily", "--zone", zone)).stdout
        assert {row["day"] for row in csv.DictReader(io.StringIO(shown))} == {day}
        there = await neonpay("export", "daily", "--zone", zone, "--since", "2025-01-01", "--until", "2025-01-02")
        assert len(there.stdout.splitlines()) == (5 if day == "2025-01-01" else 1)


async def test_a_parquet_file_has_the_rows_with_their_types(
    neonpay: Command, tmp_path: Path, database_url: str
) -> None:
    await change(database_url, sa.update(refunds).values(reason='=1+1 "quoted"'))
    for sheet, rows in (("payments", 4), ("refunds", 2), ("journal", 16), ("daily", 4)):
        file = tmp_path / f"{sheet}.parquet"
        written = await neonpay("export", sheet, "--format", "parquet", "-o", str(file), "--names")
        assert written.stderr == f"{rows} rows are in {file}.\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with duckdb.connect() as database:
            found = database.read_parquet(str(file))
            assert tuple(found.columns) == columns_of(Sheet(sheet), with_names=True)
            assert len(found.fetchall()) == rows
            types = dict(zip(found.columns, map(str, found.types), strict=True))
        if sheet == "payments":
            names = ("charge_id", "paid_at", "amount_stars", "is_recurring", "estimate_usd", "estimate_rate_read_on")
            expected = ["VARCHAR", "TIMESTAMP WITH TIME ZONE", "BIGINT", "BOOLEAN", "DOUBLE", "DATE"]
            assert [types[name] for name in names] == expected
        if sheet == "refunds":
            with duckdb.connect() as database:
                reasons = database.read_parquet(str(file)).project("reason").fetchall()
            assert set(reasons) == {('=1+1 "quoted"',)}, "only a spreadsheet takes it for a formula"
    printed = await neonpay("export", "payments", "--format", "parquet")
    assert (printed.exit_code, "--output payments.parquet" in printed.stderr) == (3, True)


def test_all_bots_of_a_ledger_are_exported_one_after_the_other(busy: Busy, capsys: pytest.CaptureFixture[str]) -> None:
    app(["export", "payments", "--database", busy.url], standalone_mode=False)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len({row["bot_id"] for row in rows}) == 2
    assert len(rows) == len(busy.charges)
    app(["export", "payments", "--database", busy.url, "--bot-id", str(busy.bot_id)], standalone_mode=False)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["bot_id"] for row in rows} == {str(busy.bot_id)}


async def test_an_export_has_the_time_that_was_asked_for(neonpay: Command) -> None:
    before = await neonpay("export", "payments", "--until", "2020-01-01", "--format", "jsonl")
    after = await neonpay("export", "payments", "--since", "2020-01-01", "--format", "jsonl")
    assert (before.stdout, len(after.stdout.splitlines())) == ("", 4)


async def test_a_file_is_for_its_owner_alone_and_takes_the_place_of_the_old_one(
    neonpay: Command, tmp_path: Path
) -> None:
    file = tmp_path / "refunds.csv"
    file.write_text("old")
    written = await neonpay("export", "refunds", "--output", str(file))
    assert written.stderr == f"2 rows are in {file}.\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text().splitlines()) == 3
    nowhere = await neonpay("export", "refunds", "--output", str(tmp_path / "none" / "refunds.csv"))
    assert (nowhere.exit_code, nowhere.stderr.count("\n")) == (3, 1)
    assert [name for name in os.listdir(tmp_path) if "csv" in name] == ["refunds.csv"]
    folder = await neonpay("export", "refunds", "--output", str(tmp_path))
    assert folder.stderr == f"neonpay: {tmp_path} is a folder; name a file in it in --output\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
async def test_a_link_or_a_pipe_stays_what_it_is(neonpay: Command, tmp_path: Path, kind: str) -> None:
    link, file, pipe = tmp_path / "link", tmp_path / "file", tmp_path / "pipe"
    link.symlink_to(file)
    os.mkfifo(pipe)
    assert (await neonpay("export", "refunds", "--format", kind, "--output", str(link))).exit_code == 0
    assert link.is_symlink()
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert (await neonpay("export", "refunds", "--format", kind, "--output", str(pipe))).exit_code == 0
    assert pipe.is_fifo()
    assert os.read(reader, 100_000) == file.read_bytes()
    os.close(reader)


async def test_a_reason_that_looks_like_a_formula_is_none_in_a_spreadsheet(neonpay: Command, database_url: str) -> None:
    formula = '=HYPERLINK("https://example.org","open")'
    await change(database_url, sa.update(refunds).values(reason=formula))
    sheet = (await neonpay("export", "refunds")).stdout
    assert {row["reason"] for row in csv.DictReader(io.StringIO(sheet))} == {f"'{formula}"}
    lines = (await neonpay("export", "refunds", "--format", "jsonl")).stdout.splitlines()
    assert {json.loads(line)["reason"] for line in lines} == {formula}


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\0=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"])
def test_no_text_begins_like_a_formula_nor_goes_on_like_one_where_a_cell_may_end(text: str) -> None:
    assert cell(text) == f"'{text}"
    for ends in (";", "\t", "\r", "\n"):
        assert cell(f"Ann{ends}{text}") == f"Ann{ends}'{text}"
    assert cell(f"Ann {text}") == f"Ann {text}"


@pytest.mark.parametrize(("text", "safe"), [("\t=1", "'\t'=1"), ("\r\n=1", "'\r'\n'=1"), ("a; b", "a; b"), ("", "")])
def test_blanks_of_a_line_hide_no_formula(text: str, safe: str) -> None:
    assert cell(text) == safe


def test_numbers_stay_numbers() -> None:
    assert [cell(value) for value in (-5, 0, None, True, "a=1")] == ["-5", "0", "", "true", "a=1"]


async def test_a_ledger_is_moved(neonpay: Command, database_url: str, other_url: str) -> None:
    moved = await neonpay("move", database_url, other_url)
    assert moved.exit_code == 0, moved.output
    assert "4 payments, 100 Stars" in moved.stdout
    proof = await neonpay.json("verify", "--database", other_url)
    assert (proof["is_clean"], proof["payments"]) == (True, 4)
    again = await neonpay("move", "env:OLD", "env:NEW", OLD=database_url, NEW=other_url)
    assert again.exit_code == 3
    assert "move into a database that has none" in again.stderr
    same = await neonpay("move", database_url, database_url)
    assert "the same database" in same.stderr


SHELF = """
import sqlalchemy as sa

from neonpay.extensions import ExtensionSpec
from neonpay.ledger import ExtensionTables

SPEC = ExtensionSpec(name="shelf", factory="moved_shelf:TABLES", tables="moved_shelf:TABLES")
GOODS = sa.Table("neonpay_ext_shelf_goods", sa.MetaData(), sa.Column("bot_id", sa.BigInteger, primary_key=True))
TABLES = ExtensionTables(name="shelf", package="neonpay-shelf", metadata=GOODS.metadata)
"""


async def test_tables_of_an_extension_that_is_installed_are_moved(
    neonpay: Command, database_url: str, other_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "neonpay-shelf", {"shelf": "moved_shelf:SPEC"}, {"moved_shelf.py": SHELF})
    with monkeypatch.context() as where:
        where.syspath_prepend(tmp_path / "site")
        shelf = importlib.import_module("moved_shelf")
        ledger = open_ledger(database_url)
        await ensure_tables(ledger, shelf.TABLES)
        await ledger.close()
        await change(database_url, sa.insert(shelf.GOODS).values(bot_id=neonpay.shop.account.id))
    without = await neonpay("move", database_url, other_url)
    assert without.exit_code == 3
    assert "pip install neonpay-shelf, and move again" in " ".join(without.stderr.split())

    monkeypatch.syspath_prepend(tmp_path / "site")
    moved = await neonpay("move", database_url, other_url)
    assert moved.exit_code == 0, moved.output
    ledger = open_ledger(other_url)
    there = await ledger.read(lambda t: t.connection.execute(sa.select(shelf.GOODS)).scalars().all())
    await ledger.close()
    assert there == [neonpay.shop.account.id]
