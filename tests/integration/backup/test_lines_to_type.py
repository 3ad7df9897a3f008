"""Whatever line a command of backups prints runs as it is printed, with the options that were typed before."""

from __future__ import annotations

import re
import shlex
import uuid
from typing import TYPE_CHECKING

import pyrage
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from neonpay.cli.main import app
from tests.integration.backup.conftest import PASSPHRASE, Kit
from tests.integration.cli.terminal import screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from neonpay.testing.postgres import PostgresServer

LINE = re.compile(r"neonpay (?:backup|payments|reconcile)[^;,\n]*")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "the key").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    (tmp_path / "the passphrase").write_text(PASSPHRASE)
    for name in ("NEONPAY_DATABASE_URL", "NEONPAY_BOT_TOKEN", "NEONPAY_BACKUP_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)

    def typed(*words: str) -> Result:
        return CliRunner().invoke(app, words, env={"COLUMNS": "1000"})

    return typed


def lines_in(done: Result) -> list[str]:
    """What it has printed to be typed next."""
    return [found.strip() for found in LINE.findall(done.output)]


@pytest.fixture
def url(kit: Kit, tmp_path: Path) -> str:
    """A ledger that neither a setting nor its place names."""
    url = f"sqlite:///{tmp_path / 'the shop.db'}"
    kit.make(url)
    return url


def test_what_a_command_says_to_type_next_is_about_the_same_backups(typed: Callable[..., Result], url: str) -> None:
    where = ("--directory", "of mine")
    made = typed("backup", "create", *where, "--passphrase-file", "the passphrase", "--database", url)
    (drill,) = lines_in(made)
    assert (
        drill
        == f"neonpay backup drill --directory 'of mine' --passphrase-file 'the passphrase' --database {shlex.quote(url)}"
    )
    assert typed(*shlex.split(drill)[1:]).exit_code == 0, drill
    restored = typed("backup", "restore", "--yes", *where, "--passphrase-file", "the passphrase", "--database", url)
    assert restored.exit_code == 0, restored.output
    lines = lines_in(restored)
    assert f"neonpay payments list --database {shlex.quote(url)} --needs-attention" in lines
    assert f"neonpay reconcile --database {shlex.quote(url)}" in lines
    said = typed("backup", "delete", "backup_2020_01_01_000000", "--yes", *where)
    (listing,) = lines_in(said)
    assert "1 backup" in typed(*shlex.split(listing)[1:]).output


def test_one_for_recipients_says_that_it_needs_their_key(
    typed: Callable[..., Result], url: str, tmp_path: Path
) -> None:
    recipient = str(pyrage.x25519.Identity.from_str((tmp_path / "the key").read_text().strip()).to_public())
    made = typed("backup", "create", "--recipient", recipient, "--database", url)
    (drill,) = lines_in(made)
    assert drill == f"neonpay backup drill --database {shlex.quote(url)} --identity FILE"
    assert typed(*shlex.split(drill.replace("FILE", "'the key'"))[1:]).exit_code == 0


def test_what_is_in_no_place_is_looked_for_where_the_copies_are(
    typed: Callable[..., Result], url: str, tmp_path: Path
) -> None:
    for name in ("offsite", "empty"):
        (tmp_path / name).mkdir()
    made = typed("backup", "create", "--directory", "of mine", "--copy-to", "offsite", "--database", url)
    assert made.exit_code == 0, made.output
    unknown = ("backup", "delete", "backup_2020_01_01_000000", "--yes", "--directory", "of mine")
    here, there = lines_in(typed(*unknown, "--from", "offsite"))
    assert here == "neonpay backup list --directory 'of mine'"
    assert there == "neonpay backup list --directory 'of mine' --from offsite"
    assert "1 backup" in typed(*shlex.split(there)[1:]).output
    (tmp_path / "neonpay.toml").write_text('[backup]\ncopy_to = "offsite"\n')
    _, there = lines_in(typed(*unknown, "--copy"))
    assert there == "neonpay backup list --directory 'of mine' --copy"
    assert "1 backup" in typed(*shlex.split(there)[1:]).output
    (copying,) = lines_in(typed("backup", "drill", "--directory", "other", "--from", "empty", "--database", url))
    assert copying == f"neonpay backup copy --directory other --database {shlex.quote(url)} --copy-to empty"


def test_a_line_for_another_database_keeps_it(
    kit: Kit, typed: Callable[..., Result], url: str, postgres_server: PostgresServer
) -> None:
    there = postgres_server.create_database()
    kit.make(there)
    made = typed("backup", "create", "--form", "postgresql", "--directory", "of mine", "--database", there)
    assert made.exit_code == 0, made.output
    said = typed("backup", "restore", "--yes", "--directory", "of mine", "--database", url)
    create, restore = lines_in(said)
    assert create == "neonpay backup create --directory 'of mine' --form json"
    assert restore.endswith(" --directory 'of mine' --database postgresql://USER@HOST/DATABASE")


def test_a_drill_that_may_make_no_database_says_where_the_backups_are(
    kit: Kit, typed: Callable[..., Result], postgres_server: PostgresServer
) -> None:
    there = postgres_server.create_database()
    kit.make(there)
    name = f"neonpay_test_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'hush' IN ROLE pg_read_all_data, pg_write_all_data")
    little = sa.make_url(there).set(username=name, password="hush").render_as_string(hide_password=False)
    options = ("--directory", "of mine", "--passphrase-file", "the passphrase")
    made = typed("backup", "create", "--form", "postgresql", *options, "--database", there)
    assert made.exit_code == 0, made.output
    (line,) = lines_in(typed("backup", "drill", *options, "--database", little))
    postgres_server.execute(f"DROP ROLE {name}")
    assert "--directory 'of mine' --passphrase-file 'the passphrase'" in line
    own = sa.make_url(postgres_server.create_database()).set(drivername="postgresql")
    place = "postgresql://USER@HOST/A_DATABASE_OF_ITS_OWN"
    assert place in line
    words = shlex.split(line.replace(place, own.render_as_string(hide_password=False)))
    done = typed(*words[1:], "--yes")
    assert done.exit_code == 0, done.output


async def test_no_line_to_type_is_broken_where_the_terminal_is_narrow(
    typed: Callable[..., Result], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--directory", "of mine", "--passphrase-file", "the passphrase", "--database", url)
    made = await screen(monkeypatch, "backup", "create", *options, columns=40)
    lines = made.splitlines()
    assert any(line.startswith("  age --decrypt --output identity.txt keys/") for line in lines)
    assert any(line.startswith("  grep -oE") and ".jsonl" in line for line in lines)
    (drill,) = [line for line in lines if "neonpay backup drill" in line]
    assert typed(*shlex.split(drill)[1:]).exit_code == 0, drill
    restored = (await screen(monkeypatch, "backup", "restore", "--yes", *options, columns=40)).splitlines()
    assert f"neonpay payments list --database {shlex.quote(url)} --needs-attention" in restored
    assert "Start the bot, then see what was sold" in restored
