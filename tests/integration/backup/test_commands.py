"""``neonpay backup`` with the guide's options, as somebody types it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from neonpay.backup.config import BackupConfig
from neonpay.backup.keeping import Keeper
from neonpay.cli.checks.backups import NAMES, check_backups
from neonpay.cli.main import app
from neonpay.errors import BackupCopyError, BackupError
from neonpay.ledger import open_ledger
from tests.integration.backup.conftest import BOT, PASSPHRASE, Kit, rows_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def run(kit: Kit, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    kit.fill(sqlite_url)

    def typed(*arguments: str, answer: str | None = None, code: int = 0, **environment: str) -> Result:
        env = {"NEONPAY_DATABASE_URL": sqlite_url, "NEONPAY_BOT_TOKEN": None, "COLUMNS": "200", **environment}
        done = CliRunner().invoke(app, ["backup", *arguments], input=answer, env=env)
        assert done.exit_code == code, done.output
        return done

    return typed


def told(done: Result) -> Any:
    return json.loads(done.stdout)


def test_the_commands_of_the_guide(run: Callable[..., Result], sqlite_url: str) -> None:
    made = run("create", "--description", "Weekly backup", "--type", "full").stdout
    assert "sign invoices" in made
    assert "NEONPAY_BACKUP_PASSPHRASE" in made
    (listed,) = told(run("list", "--json"))
    backup_id = listed["backup_id"]
    assert (listed["description"], listed["backup_type"], listed["payments"]) == ("Weekly backup", "full", 3)
    assert backup_id in run("list").stdout
    assert (listed["form"], " json " in run("list").stdout) == ("json", True)
    before = rows_in(sqlite_url)["neonpay_payments"]
    assert "is whole" in run("verify").stdout
    said = run("restore", "--backup-id", backup_id, "--yes").stdout
    assert f"neonpay.db.before-{backup_id}" in said
    assert "neonpay payments list --needs-attention" in said
    assert rows_in(sqlite_url)["neonpay_payments"] == before
    run("restore", backup_id, "--yes")
    run("delete", backup_id, answer="y\n")
    assert "neonpay backup create" in run("list").stdout


def test_what_cannot_be_done_says_what_to_type(run: Callable[..., Result], sqlite_url: str) -> None:
    assert "neonpay backup create" in run("drill", code=3).stderr
    assert "neonpay backup list" in run("delete", "backup_1234567890", "--yes", code=3).stderr
    run("create")
    running = open_ledger(sqlite_url)
    running.open_sync()
    try:
        assert "then run: neonpay backup restore" in run("restore", "--yes", code=3).stderr
    finally:
        running.close_sync()
    assert "nobody answered" in run("restore", code=3).stderr
    assert "no public key" in run("create", "--recipient", "nobody", code=3).stderr
    assert "schedule is" in run("schedule", "--at", "often", code=3).stderr
    missing = {"NEONPAY_DATABASE_URL": "sqlite:///nothing.db"}
    assert "there is no ledger" in run("create", code=3, **missing).stderr


def test_the_line_to_type_has_what_was_typed(run: Callable[..., Result], tmp_path: Path) -> None:
    """Without it another database would be replaced, by a backup of another folder."""
    (tmp_path / "the passphrase").write_text(PASSPHRASE)
    options = ("--directory", "of mine", "--passphrase-file", "the passphrase")
    run("create", *options)
    (listed,) = told(run("list", "--directory", "of mine", "--json"))
    url = f"sqlite:///{tmp_path / 'other.db'}"
    running = open_ledger(url)
    running.open_sync()
    line = f"neonpay backup restore {listed['backup_id']} --directory 'of mine' --passphrase-file 'the passphrase'"
    try:
        said = run("restore", *options, "--database", url, "--yes", code=3).stderr
    finally:
        running.close_sync()
    assert f"then run: {line} --database {url}\n" in said
    said = run("restore", *options, "--bot", "42", "--yes", code=3).stderr
    assert f"run: {line} --bot 42 --force\n" in said
    said = run("create", *options, "--copy-to", "not there", code=3).stderr
    assert "to copy it, run: neonpay backup copy --directory 'of mine' --copy-to 'not there'\n" in said
    run("create", "--form", "sqlite", *options)
    newest = told(run("list", "--directory", "of mine", "--json"))[0]["backup_id"]
    said = run("restore", *options, "--database", "postgresql://owner:a-password@nowhere/shop", "--yes", code=3).stderr
    assert f"run: {line.replace(listed['backup_id'], newest)} --database sqlite:///FILE" in said
    assert "a-password" not in said


@pytest.mark.parametrize("command", ["create", "list", "verify", "copy", "schedule"])
def test_help_names_the_settings(run: Callable[..., Result], command: str) -> None:
    said = " ".join(run(command, "--help").stdout.split())
    assert "`backup." in said
    assert "of ," not in said


def test_one_that_is_damaged_is_told_by_the_exit_code(run: Callable[..., Result], tmp_path: Path) -> None:
    run("create")
    chunk = next((tmp_path / "backups" / "chunks").glob("??/*"))
    chunk.write_bytes(b"x" * chunk.stat().st_size)
    assert "not as it was written" in run("verify", code=1).stderr
    chunk.unlink()
    assert "damaged" in run("list", code=1).stdout
    assert "is not there" in run("restore", "--yes", code=3).stderr


def test_what_was_copied_is_restored_from_there_alone(
    run: Callable[..., Result], sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "neonpay.toml").write_text('[backup]\ncopy_to = "elsewhere"\n')
    failed = run("create", code=3).stderr
    (alone,) = told(run("list", "--json"))
    assert "mount it" in failed
    assert f"{alone['backup_id']} itself is made, and good" in failed
    (tmp_path / "elsewhere").mkdir()
    assert "read back" in run("create").stdout
    assert "nothing was new" in run("copy").stdout
    first, second = told(run("list", "--from", "elsewhere", "--json"))
    assert "2 backups" in run("verify", "--copy").stdout

    before = rows_in(sqlite_url)["neonpay_payments"]
    for path in (tmp_path / "backups", tmp_path / "neonpay.toml"):
        path.rename(path.with_name(f"lost {path.name}"))
    lost = {"NEONPAY_DATABASE_URL": f"sqlite:///{tmp_path / 'anew.db'}"}
    run("restore", second["backup_id"], "--from", "elsewhere", "--yes", **lost)
    assert rows_in(lost["NEONPAY_DATABASE_URL"])["neonpay_payments"] == before
    assert [one["backup_id"] for one in told(run("list", "--json"))] == [second["backup_id"]]

    chunk = next((tmp_path / "elsewhere" / "chunks").glob("??/*"))
    chunk.write_bytes(b"x" * chunk.stat().st_size)
    assert "not as it was written" in run("verify", first["backup_id"], "--from", "elsewhere", code=1).stderr
    assert "s3://bucket" in run("copy", "--copy-to", "ftp://key:hush@host", code=3).stderr
    assert "--from TARGET" in run("verify", "--copy", code=3).stderr
    assert "mkdir -p 'a disk'" in run("copy", "--copy-to", "a disk", code=3).stderr


def test_a_copy_is_deleted_when_that_is_asked_for(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "neonpay.toml").write_text('[backup]\ncopy_to = "elsewhere"\n')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run("create")
    run("create", "--description", "second")
    second, first = [one["backup_id"] for one in told(run("list", "--json"))]
    asked = run("delete", "nope", code=3).stderr
    assert "there is no backup 'nope'" in asked
    assert first in asked
    assert second in asked
    assert "?" not in asked
    said = run("delete", first, "--yes").stdout
    assert f"delete {first} --copy" in said
    assert "is whole" in run("verify", second).stdout
    listed = [one["backup_id"] for one in told(run("list", "--from", "elsewhere", "--json"))]
    assert listed == [second, first]
    assert "elsewhere" in run("delete", first, "--copy", answer="y\n").stdout
    assert "1 backup," in run("verify", "--copy").stdout
    assert "backups and in" in run("delete", second, "--from", "elsewhere", "--yes").stdout
    assert [path for path in elsewhere.rglob("*") if path.is_file()] == []
    assert "nor in elsewhere" in run("delete", second, "--copy", code=3).stderr


def test_what_is_no_folder_of_backups_is_said(
    run: Callable[..., Result], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missing = {"NEONPAY_DATABASE_URL": "sqlite:///nothing.db"}
    assert run("create", code=3, **missing).stderr.count("there is no ledger") == 1
    assert "there is no ledger" not in caplog.text
    assert not (tmp_path / "backups").exists()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("gone")
    for command in ("list", "create", "drill"):
        assert "file is a file" in run(command, "--directory", "file", code=3).stderr
        assert "link is a link to gone" in run(command, "--directory", "link", code=3).stderr
    assert "there is no folder none" in run("list", "--directory", "none", code=3).stderr
    assert "Make one" in run("list").stdout


def test_a_folder_that_cannot_be_written_is_not_said_to_be_missing(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "backups" / ".lock").mkdir(parents=True)
    assert "the folder backups of the backups cannot be written" in run("create", code=3).stderr
    (tmp_path / "backups" / "keys").rmdir()
    (tmp_path / "backups" / "keys").write_text("")
    assert "the folder backups of the backups cannot be written" in run("create", code=3).stderr


def test_one_for_a_passphrase_has_everything_and_needs_it(
    run: Callable[..., Result], sqlite_url: str, tmp_path: Path
) -> None:
    before = rows_in(sqlite_url)["neonpay_keys"]
    secret = {"NEONPAY_BACKUP_PASSPHRASE": PASSPHRASE}
    made = run("create", **secret).stdout
    assert "age --decrypt --output identity.txt keys/" in made
    assert "NEONPAY_BACKUP_PASSPHRASE" in run("restore", "--yes", code=3).stderr
    assert "rows were not read" in run("verify").stdout
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    drilled = told(run("drill", "--json", "--passphrase-file", "passphrase", code=1))  # these books say nothing
    assert drilled["bots"][0]["bot_id"] == BOT
    run("restore", "--yes", **secret)
    assert rows_in(sqlite_url)["neonpay_keys"] == before


def test_one_for_recipients_is_opened_by_their_identity(
    run: Callable[..., Result], sqlite_url: str, tmp_path: Path
) -> None:
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"# made by a test\n{identity}\n")
    run("create", "--recipient", str(identity.to_public()))
    assert "--identity" in run("restore", "--yes", code=3).stderr
    (tmp_path / "other").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert "does not open" in run("restore", "--yes", "--identity", "other", code=3).stderr
    run("restore", "--yes", "--identity", "key")
    assert len(rows_in(sqlite_url)["neonpay_keys"]) == 3


def test_the_printed_commands_open_a_backup_with_the_programs_age_and_zstd(
    run: Callable[..., Result], sqlite_url: str, tmp_path: Path
) -> None:
    """The programs of a distribution: ``apt-get install age zstd``."""
    shown = run("create", "--description", "all chunks/ab", NEONPAY_BACKUP_PASSPHRASE=PASSPHRASE).stdout
    (manifest,) = (tmp_path / "backups" / "manifests").iterdir()
    for command in json.loads(manifest.read_text(encoding="utf-8"))["encryption"]["commands"]:
        assert command in shown
        said, code = _typed_by_hand(command, PASSPHRASE, tmp_path / "backups")
        assert code == 0, said
        assert "error" not in said
    (written,) = (tmp_path / "backups").glob("*.jsonl")
    lines = [json.loads(line) for line in written.read_bytes().splitlines()]
    rows = [line for line in lines if isinstance(line, list)]
    saved = json.loads(manifest.read_text(encoding="utf-8"))["tables"]
    assert len(rows) == sum(table["rows"] for table in saved)


def _typed_by_hand(command: str, passphrase: str, folder: Path) -> tuple[str, int]:
    """What a shell with a terminal printed, and how it ended; age asks a terminal for a passphrase, and nothing else."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv("/bin/sh", ["/bin/sh", "-c", command])  # noqa: S606 - what is printed is for a shell
    said = b""
    with suppress(OSError):  # the terminal closes with the shell
        while piece := os.read(terminal, 4096):
            said += piece
            if b"passphrase" in piece:
                os.write(terminal, f"{passphrase}\n".encode())
    os.close(terminal)
    return said.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_restore_of_a_ledger_that_began_anew_says_which_backup_has_the_payments(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    run("create")
    (full,) = told(run("list", "--json"))
    anew = f"sqlite:///{tmp_path / 'anew.db'}"
    ledger = open_ledger(anew)
    ledger.open_sync()
    ledger.close_sync()
    run("create", NEONPAY_DATABASE_URL=anew)
    said = run("restore", "--yes", NEONPAY_DATABASE_URL=anew).stderr
    assert f"has 0 payments, and {full['backup_id']} has 3; to restore that one, name it" in said


def test_doctor_warns_of_one_that_is_old_or_never_tried(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    kit.make(sqlite_url)

    def checks() -> list[str]:
        found = asyncio.run(check_backups(sqlite_url, warn_after_hours=48, clock=kit.clock, timeout_s=30))
        assert [one.name for one in found] == list(NAMES)
        return [one.state.value for one in found]

    ledger = open_ledger(sqlite_url, clock=kit.clock)
    keeper = Keeper(ledger, BackupConfig(backup_directory=kit.folder.path), kit.clock)
    copying = replace(keeper, config=replace(keeper.config, copy_to=tmp_path / "elsewhere"))
    assert checks() == ["skipped", "skipped", "skipped"]
    keeper.make()
    assert checks() == ["ok", "warning", "skipped"]
    keeper.drill(())
    assert checks() == ["ok", "ok", "skipped"]
    with pytest.raises(BackupCopyError, match="mount it"):
        copying.make()
    assert checks() == ["ok", "ok", "warning"]
    (tmp_path / "elsewhere").mkdir()
    kit.clock.advance(1)
    copying.copy(copying.config.target)
    assert checks() == ["ok", "ok", "ok"]
    kit.clock.advance(49 * 3600)
    assert checks() == ["warning", "ok", "warning"]
    copying.make()
    assert checks() == ["ok", "ok", "ok"]
    kit.clock.advance(1)
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupError):
        Keeper(ledger, BackupConfig(backup_directory=tmp_path / "file" / "backups"), kit.clock).make()
    assert checks() == ["warning", "ok", "ok"]
    ledger.close_sync()


def test_after_a_restore_doctor_tells_of_backups_of_the_ledger_as_it_is_now(kit: Kit, sqlite_url: str) -> None:
    kit.make(sqlite_url)

    def newest() -> tuple[str, str]:
        found = asyncio.run(check_backups(sqlite_url, warn_after_hours=48, clock=kit.clock, timeout_s=30))
        return found[0].state.value, found[0].finding

    def made() -> str:
        ledger = open_ledger(sqlite_url, clock=kit.clock)
        try:
            return Keeper(ledger, BackupConfig(backup_directory=kit.folder.path), kit.clock).make().backup_id
        finally:
            ledger.close_sync()

    for _ in range(2):
        kit.clock.advance(60)
        restored = made()
    kit.clock.advance(60 * 3600)
    made()
    kit.clock.advance(3600)
    kit.restore(restored, sqlite_url)
    state, finding = newest()
    assert (state, f"restored from {restored} on" in finding) == ("ok", True)
    kit.clock.advance(49 * 3600)
    state, finding = newest()
    assert (state, "no backup was made since" in finding) == ("warning", True)
    assert made() in newest()[1]
