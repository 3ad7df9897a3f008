"""Backups are copied to another place, read back from there, and come back from there alone."""

from __future__ import annotations

import os
import random
import shlex
import socket
import sys
import threading
import urllib.request
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.backup.config import BackupConfig
from neonpay.backup.copying import Copied, copy
from neonpay.backup.elsewhere import Elsewhere, verify_copies
from neonpay.backup.fetching import fetch
from neonpay.backup.folder import BackupFolder
from neonpay.backup.keeping import Keeper
from neonpay.backup.kinds import BackupStatus
from neonpay.backup.manifest import MANIFEST_MOST_BYTES
from neonpay.backup.retention import Rules
from neonpay.backup.targets import PATH, Target, open_target
from neonpay.core.clock import moment
from neonpay.errors import BackupCopyError, BackupDamagedError, BackupError, BackupNotFoundError, ConfigurationError
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import events, keys
from tests.integration.backup.conftest import BOT, Kit, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from neonpay.ledger import Transaction

OFFSITE = """
import os, pathlib, sys
root, act = pathlib.Path(sys.argv[1]), sys.argv[2]
assert not [name for name in os.environ if name.startswith("NEONPAY_")]
if act == "list":
    print("../../etc/passwd", "manifests/../../x.json", "chunks/ab/short", "notes.txt", sep="\\n")
    print(*[file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()], sep="\\n")
    sys.exit()
file = root / sys.argv[3]
if act == "put":
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(sys.stdin.buffer.read())
elif act == "get":
    sys.stdout.buffer.write(file.read_bytes())
else:
    file.unlink()
"""


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """A server of S3 on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "s3", "command"])
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    if request.param == "s3":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        url = request.getfixturevalue("s3_url")
        asked = urllib.request.Request(f"{url}/backups-of-shops", method="PUT")  # noqa: S310  # our own server
        urllib.request.urlopen(asked).close()  # noqa: S310
        return open_target(f"s3://backups-of-shops/shop/{tmp_path.name}?endpoint={url}&region=us-east-1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if request.param == "folder":
        return open_target(str(elsewhere))
    monkeypatch.setenv("NEONPAY_BACKUP_PASSPHRASE", "is nobody else's")
    (tmp_path / "offsite.py").write_text(OFFSITE)
    return open_target(f"command:{shlex.join([sys.executable, '-IS', str(tmp_path / 'offsite.py'), str(elsewhere)])}")


@pytest.fixture
def folder_target(tmp_path: Path) -> Target:
    (tmp_path / "elsewhere").mkdir()
    return open_target(str(tmp_path / "elsewhere"))


def sell(kit: Kit, url: str, number: int) -> None:
    row = {"bot_id": BOT, "event_id": f"{number:09}", "name": "sold", "at": number, "data": "{}"}

    def unit(transaction: Transaction) -> None:
        transaction.connection.execute(sa.insert(events), [row])

    kit.run(url, unit)


def copied(kit: Kit, target: Target, **rules: Any) -> Copied:
    return copy(kit.folder, target, rules=Rules(**rules), now=moment(kit.clock.now_us()), note=kit.note)


def read_back(kit: Kit, target: Target) -> int:
    there = Elsewhere(target)
    return verify_copies(there, there.ids(), folder=kit.folder, note=kit.note)


def test_a_copy_is_enough_to_restore_and_a_byte_of_it_that_is_flipped_is_found(
    kit: Kit, sqlite_url: str, target: Target, tmp_path: Path
) -> None:
    kit.encrypt()
    row = {"bot_id": BOT, "key_id": "k", "secret": b"s", "created_at": 1}
    kit.run(sqlite_url, lambda transaction: transaction.connection.execute(sa.insert(keys), [row]).rowcount)
    sell(kit, sqlite_url, 1)
    first = kit.save(sqlite_url)
    done = copied(kit, target)
    assert (done.backup_ids, done.files) == ([first.backup_id], len(list(first.chunks())) + 2)
    assert copied(kit, target).files == 0

    sell(kit, sqlite_url, 2)
    second = kit.save(sqlite_url)
    third = kit.save(sqlite_url)
    done = copied(kit, target, newest=2)
    assert set(done.backup_ids) == {second.backup_id, third.backup_id}
    assert done.removed == [first.backup_id]
    assert read_back(kit, target) == len(list(third.chunks())) + 3
    assert set(target.list()) == {path for path in target.list() if PATH.fullmatch(path)}

    lost = BackupFolder(tmp_path / "another machine")
    assert fetch(lost, target, None, note=kit.note).backup_id == third.backup_id
    kit.folder = lost
    assert kit.restore(third.backup_id, f"sqlite:///{tmp_path / 'new.db'}").manifest == lost.manifest(third.backup_id)

    _, chunk = next(iter(third.chunks()))
    data = bytearray(target.get(chunk.path, chunk.size))
    data[len(data) // 2] ^= 1
    target.put(chunk.path, bytes(data))
    with pytest.raises(BackupDamagedError, match=chunk.digest):
        read_back(kit, target)
    with pytest.raises(BackupDamagedError, match=chunk.digest):
        fetch(BackupFolder(tmp_path / "a third"), target, None, note=kit.note)
    target.delete(chunk.path)
    with pytest.raises(BackupDamagedError, match=chunk.digest):
        read_back(kit, target)
    assert copied(kit, target).files == 2  # the chunk, and the manifest after it
    read_back(kit, target)


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """A target whose process is killed at its file of a number, before it is written or after."""

    def __init__(self, target: Target, puts: int, *, after: bool) -> None:
        self.inner = target
        self.name = target.name
        self.get, self.list, self.delete = target.get, target.list, target.delete
        self._puts = puts
        self._after = after

    def put(self, path: str, data: bytes) -> None:
        self._puts -= 1
        if self._puts == 0 and not self._after:
            raise Killed
        self.inner.put(path, data)
        if self._puts <= 0:
            raise Killed


def test_one_that_is_cut_off_at_any_file_leaves_what_was_there_and_is_gone_on_with(
    kit: Kit, sqlite_url: str, folder_target: Target
) -> None:
    kit.fill(sqlite_url, rows=1)
    first = kit.save(sqlite_url)
    copied(kit, folder_target)
    kit.encrypt()
    second = kit.save(sqlite_url)
    half = next(iter(second.chunks()))[1].path
    folder_target.put(half, b"half of it")
    killed = 0
    while second.backup_id not in Elsewhere(folder_target).ids():
        with suppress(Killed):
            copied(kit, Dying(folder_target, 7, after=killed % 2 == 0))
        killed += 1
        assert first.backup_id in Elsewhere(folder_target).ids()
        assert read_back(kit, folder_target)
    assert killed > 3
    assert Elsewhere(folder_target).newest().backup_id == second.backup_id


def test_a_target_that_says_it_has_written_and_has_not_is_found_out(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "offsite.py").write_text("import sys; sys.stdin.buffer.read()")
    kit.save(sqlite_url)
    forgetful = open_target(f"command:{shlex.quote(sys.executable)} -IS {tmp_path / 'offsite.py'} --token hush")
    with pytest.raises(BackupCopyError, match="not read back as it was written") as told:
        copied(kit, forgetful)
    assert "hush" not in str(told.value)


def test_nothing_is_fetched_over_another_backup_and_nothing_of_somebody_elses_is_copied_over(
    kit: Kit, sqlite_url: str, folder_target: Target, tmp_path: Path
) -> None:
    sell(kit, sqlite_url, 1)
    kit.save(sqlite_url)
    copied(kit, folder_target)
    kit.clock.advance(-60)
    kit.folder = BackupFolder(tmp_path / "of somebody else")
    sell(kit, sqlite_url, 2)
    kit.save(sqlite_url)
    with pytest.raises(BackupError, match="has another backup of the id"):
        fetch(kit.folder, folder_target, None, note=kit.note)
    with pytest.raises(BackupCopyError, match="a target of its own"):
        copied(kit, folder_target)


def test_backups_of_another_shop_are_kept_here_and_there(
    kit: Kit, sqlite_url: str, folder_target: Target, tmp_path: Path
) -> None:
    theirs = f"sqlite:///{tmp_path / 'theirs.db'}"
    kit.run(theirs, lambda transaction: fill(transaction, random.Random(7), bot_id=BOT + 1))  # noqa: S311
    last_of_theirs = kit.save(theirs)
    copied(kit, folder_target)
    kit.fill(sqlite_url)
    config = BackupConfig(backup_directory=str(kit.folder.path), max_backups=1, copy_to=str(tmp_path / "elsewhere"))
    for _ in range(2):
        kit.clock.advance(60)
        ledger = open_ledger(sqlite_url, as_it_is=True, clock=kit.clock)
        made = Keeper(ledger, config, kit.clock).make()
        ledger.close_sync()
    ids = [made.backup_id, last_of_theirs.backup_id]
    assert [one.backup_id for one in kit.folder.manifests()] == ids
    assert sorted(Elsewhere(folder_target).ids()) == sorted(ids)


def test_what_another_machine_has_begun_to_copy_to_the_same_place_is_left_alone(
    kit: Kit, sqlite_url: str, target: Target
) -> None:
    unfinished = f"chunks/ab/{'ab' * 32}"
    target.put(unfinished, b"of another machine")
    sell(kit, sqlite_url, 1)
    first = kit.save(sqlite_url)
    copied(kit, target)
    sell(kit, sqlite_url, 2)
    second = kit.save(sqlite_url)
    assert copied(kit, target, newest=1).removed == [first.backup_id]
    named = {chunk.path for _, chunk in second.chunks()}
    assert set(target.list()) == {*named, unfinished, f"manifests/{second.backup_id}.json"}
    assert {chunk.path for _, chunk in first.chunks()} - named


def test_what_nobody_has_gone_on_with_for_a_day_is_gone(
    kit: Kit, sqlite_url: str, folder_target: Target, tmp_path: Path
) -> None:
    now_s = 1_800_000_000
    ages_s = {f"chunks/ab/{letter * 64}": age_s for letter, age_s in (("a", 0), ("b", 86_000), ("c", 87_000))}
    sell(kit, sqlite_url, 1)
    kit.save(sqlite_url)
    copied(kit, folder_target)
    for path in folder_target.list():
        os.utime(tmp_path / "elsewhere" / path, (now_s, now_s))
    for path, age_s in ages_s.items():
        folder_target.put(path, b"x")
        os.utime(tmp_path / "elsewhere" / path, (now_s - age_s, now_s - age_s))
    copied(kit, folder_target)
    assert [path[-1] for path in ages_s if path in folder_target.list()] == ["a", "b"]
    read_back(kit, folder_target)


def test_the_rules_of_one_folder_are_not_those_of_another_shop(
    kit: Kit, sqlite_url: str, folder_target: Target, tmp_path: Path
) -> None:
    theirs = Kit(folder=BackupFolder(tmp_path / "theirs"), clock=kit.clock)
    url = f"sqlite:///{tmp_path / 'theirs.db'}"
    theirs.run(url, lambda transaction: fill(transaction, random.Random(7), bot_id=BOT + 1))  # noqa: S311
    ids = {theirs.save(url).backup_id for _ in range(2)}
    copied(theirs, folder_target)
    kit.fill(sqlite_url)
    kit.save(sqlite_url)
    last = kit.save(sqlite_url)
    assert copied(kit, folder_target, newest=1).removed == []
    assert set(Elsewhere(folder_target).ids()) == {*ids, last.backup_id}


def test_a_folder_that_is_not_there_is_not_made(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    kit.save(sqlite_url)
    target = open_target(str(tmp_path / "not mounted"))
    with pytest.raises(BackupCopyError, match="mount it"):
        copied(kit, target)
    assert not (tmp_path / "not mounted").exists()


def test_what_a_target_lists_is_read_only_where_it_is_a_file_of_a_backup(
    kit: Kit, sqlite_url: str, folder_target: Target, tmp_path: Path
) -> None:
    sell(kit, sqlite_url, 1)
    made = kit.save(sqlite_url)
    copied(kit, folder_target)
    (tmp_path / "secret").write_bytes(b"x")
    elsewhere = tmp_path / "elsewhere"
    _, chunk = next(iter(made.chunks()))
    (elsewhere / chunk.path).unlink()
    os.symlink(tmp_path / "secret", elsewhere / chunk.path)
    os.symlink(tmp_path / "secret", elsewhere / "manifests" / "link.json")
    (elsewhere / "manifests" / "..json").write_text("{}")
    with pytest.raises((BackupDamagedError, BackupCopyError)):
        fetch(BackupFolder(tmp_path / "new"), folder_target, made.backup_id, note=kit.note)
    assert not list((tmp_path / "new" / "manifests").iterdir())
    with pytest.raises(BackupNotFoundError):
        fetch(BackupFolder(tmp_path / "new"), folder_target, "../../secret", note=kit.note)


def test_a_manifest_that_is_too_large_or_a_link_is_in_the_way_of_no_other(
    kit: Kit, sqlite_url: str, folder_target: Target, tmp_path: Path
) -> None:
    sell(kit, sqlite_url, 1)
    with pytest.raises(BackupNotFoundError, match="copy some there"):
        Elsewhere(folder_target).newest()
    (tmp_path / "elsewhere" / "manifests").mkdir()
    with open(tmp_path / "elsewhere" / "manifests" / "large.json", "wb") as large:
        large.truncate(MANIFEST_MOST_BYTES + 1)
    (tmp_path / "elsewhere" / "manifests" / "link.json").symlink_to(tmp_path / "secret")
    (tmp_path / "elsewhere" / "manifests" / "folder.json").mkdir()
    with pytest.raises(BackupNotFoundError, match=r"no backup .* can be read"):
        Elsewhere(folder_target).newest()
    made = kit.save(sqlite_url)
    copied(kit, folder_target)
    found = {one.backup_id: one for one in Elsewhere(folder_target).infos()}
    assert (found["large"].status, found[made.backup_id].status) == (BackupStatus.DAMAGED, BackupStatus.COMPLETED)
    assert found["large"].created_at > found[made.backup_id].created_at  # that of the file


def test_where_no_s3_answers_the_endpoint_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens, or somebody answers who is not S3, as a proxy does."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with closing(socket.socket()) as unheard:
        unheard.bind(("127.0.0.1", 0))  # and nobody else does
        nobody = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        with pytest.raises(BackupCopyError, match=f"nothing answers at {nobody}; check endpoint="):
            open_target(f"s3://bucket?endpoint={nobody}&region=us-east-1").list()
        with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as proxy:
            thread = threading.Thread(target=proxy.serve_forever)
            thread.start()
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")
            with pytest.raises(BackupCopyError, match=f"403 .* not those of S3, from {nobody}; .* HTTP_PROXY"):
                open_target(f"s3://bucket?endpoint={nobody}&region=us-east-1").list()
            proxy.shutdown()
            thread.join()


class Refusing(BaseHTTPRequestHandler):
    """Answers as a proxy does that lets nobody through."""

    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://host/x",
        "s3://key:secret@bucket",
        "s3://bucket?secret=1",
        "s3://b?endpoint=x",
        "command:",
        'command:"',
    ],
)
def test_what_names_no_target_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        open_target(text)
    assert "key:secret" not in str(told.value)
