"""Whatever becomes of the files, nobody restores what was not written."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from neonpay.backup import folder as folder_module
from neonpay.backup import manifest as manifests
from neonpay.backup.encryption import Secrets
from neonpay.backup.folder import BackupFolder
from neonpay.backup.manifest import MANIFEST_MOST_BYTES, Chunk, Manifest
from neonpay.backup.packing import Packer
from neonpay.errors import BackupDamagedError, BackupError
from tests.integration.backup.conftest import Kit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def made(kit: Kit, sqlite_url: str) -> Manifest:
    kit.fill(sqlite_url)
    kit.encrypt()
    return kit.save(sqlite_url)


def flipped(data: bytes) -> Iterator[bytes]:
    """As many as there are bytes, each of which is another one."""
    for place, byte in enumerate(data):
        yield data[:place] + bytes([byte ^ (1 << place % 8)]) + data[place + 1 :]


def test_every_byte_that_is_flipped_is_noticed(kit: Kit, sqlite_url: str) -> None:
    kit.make(sqlite_url)
    kit.sell(sqlite_url)
    kit.encrypt()
    made = kit.save(sqlite_url)
    manifest = kit.folder.path / "manifests" / f"{made.backup_id}.json"
    for data in flipped(manifest.read_bytes()):
        with pytest.raises(BackupDamagedError):
            manifests.read(made.backup_id, data)
    ((_, chunk),) = made.chunks()
    path = kit.folder.path / chunk.path
    whole = path.read_bytes()
    for data in flipped(whole):
        path.write_bytes(data)
        with pytest.raises(BackupDamagedError, match="not as it was written"):
            kit.folder.chunk(chunk)
    path.write_bytes(whole)
    assert made.encryption is not None
    for data in flipped(kit.folder.key(made.encryption.key)):
        with pytest.raises(BackupError):
            kit.secrets.opening(made.encryption, data)
    assert kit.verify(made.backup_id).is_opened


def test_a_file_that_is_cut_off_or_gone_is_named(kit: Kit, made: Manifest) -> None:
    _, chunk = next(iter(made.chunks()))
    path = kit.folder.path / chunk.path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BackupDamagedError, match=chunk.digest):
        kit.verify(made.backup_id)
    path.unlink()
    with pytest.raises(BackupDamagedError, match="is not there"):
        kit.verify(made.backup_id)


def forged(kit: Kit, made: Manifest, change: Callable[[dict[str, Any]], None]) -> None:
    """A manifest that somebody else wrote, hash and all."""
    document = msgspec.json.decode(msgspec.json.encode(made))
    change(document)
    document["hash"] = ""
    body = msgspec.json.encode(document)
    document["hash"] = hashlib.sha256(body).hexdigest()
    data = msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
    (kit.folder.path / "manifests" / f"{made.backup_id}.json").write_bytes(data)


@pytest.mark.parametrize(
    "path", ["../../../etc/passwd", "/etc/passwd", "chunks/../../x", "chunks/ab/..", "chunks/ab/" + "0" * 63 + "/"]
)
def test_a_path_that_leads_elsewhere_is_refused(kit: Kit, made: Manifest, path: str) -> None:
    forged(kit, made, lambda document: document["tables"][0]["chunks"][0].update(path=path))
    with pytest.raises(BackupDamagedError):
        kit.verify(made.backup_id)


def test_a_link_is_not_followed(kit: Kit, made: Manifest, tmp_path: Path) -> None:
    _, chunk = next(iter(made.chunks()))
    path = kit.folder.path / chunk.path
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BackupDamagedError):
        kit.verify(made.backup_id)


def test_a_table_that_is_nobodys_of_ours_is_not_written_into(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    kit.fill(sqlite_url)
    made = kit.save(sqlite_url, compression="none")
    packer = Packer("none", None)
    lines = b'{"table":"neonpay_schema","columns":["version_num"]}\n["9999"]\n'
    chunk, data = packer.packed(lines, 1, packer.content(lines))
    kit.folder.write(chunk.path, data)

    def change(document: dict[str, Any]) -> None:
        table = {**document["tables"][0], "name": "neonpay_schema", "columns": ["version_num"], "kinds": ["text"]}
        document["tables"].append({**table, "rows": 1, "chunks": [msgspec.to_builtins(chunk)]})

    forged(kit, made, change)
    with pytest.raises(BackupDamagedError, match="neonpay_schema"):
        kit.restore(made.backup_id, f"sqlite:///{tmp_path / 'new.db'}")
    assert not list(tmp_path.glob("new.db*"))


def test_a_bomb_is_not_unpacked(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    made = kit.save(sqlite_url)
    packer = Packer("zstd", None)
    bomb = b"0" * (64 * 2**20)
    chunk, data = packer.packed(bomb, 1, packer.content(bomb))
    kit.folder.write(chunk.path, data)
    forged(
        kit,
        made,
        lambda document: document["tables"][-1]["chunks"][0].update(path=chunk.path, size=chunk.size, plain=1000),
    )
    with pytest.raises(BackupDamagedError, match="more than the manifest says"):
        kit.verify(made.backup_id)


def test_a_manifest_that_is_no_manifest_is_not_read(kit: Kit, made: Manifest) -> None:
    path = kit.folder.path / "manifests" / f"{made.backup_id}.json"
    with path.open("r+b") as file:
        file.truncate(MANIFEST_MOST_BYTES + 1)
    with pytest.raises(BackupDamagedError, match="no file of a backup"):
        kit.verify(made.backup_id)
    path.write_bytes(b"[" * 100_000)
    with pytest.raises(BackupDamagedError):
        kit.verify(made.backup_id)
    path.write_bytes(b'{"format": 7}')
    with pytest.raises(BackupDamagedError, match="upgrade neonpay"):
        kit.verify(made.backup_id)


class Killed(BaseException):
    """The process ends here."""


def test_one_that_is_cut_off_at_any_step_leaves_those_of_before(
    kit: Kit, sqlite_url: str, made: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.fill(sqlite_url.replace("neonpay.db", "other.db"), seed=9)
    kit.secrets = Secrets()
    steps = 0
    while True:
        left = steps

        def replace_or_die(source: Any, target: Any) -> None:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            os.rename(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(folder_module.os, "replace", replace_or_die)
            try:
                kit.save(sqlite_url.replace("neonpay.db", "other.db"))
            except Killed:
                steps += 7
                assert kit.folder.ids() == [made.backup_id]
                assert kit.verify(made.backup_id).chunks
                continue
        break
    assert steps > 20
    assert len(kit.folder.ids()) == 2
    assert not list(kit.folder.path.rglob(".tmp-*"))


def test_a_full_disk_leaves_those_of_before(
    kit: Kit, sqlite_url: str, made: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    kit.encrypt(2)
    with monkeypatch.context() as patched:
        patched.setattr(folder_module.os, "fsync", full)
        with pytest.raises(BackupError, match="No space left on device") as told:
            kit.save(sqlite_url)
    assert "make room" in "".join(told.value.__notes__)
    assert kit.folder.ids() == [made.backup_id]
    there = {path.relative_to(kit.folder.path).as_posix() for path in kit.folder.path.glob("chunks/*/*")}
    assert there == {chunk.path for _, chunk in made.chunks()}
    kit.encrypt()
    assert kit.verify(made.backup_id).is_opened


def test_what_one_that_failed_has_written_is_gone_again(
    kit: Kit, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk may be that of the ledger."""
    kit.fill(sqlite_url)
    last = [chunk.path for _, chunk in kit.save(sqlite_url).chunks()][-1]
    kit.folder = BackupFolder(tmp_path / "another")
    kit.folder.make()
    (kit.folder.path / last).parent.write_bytes(b"")  # is in its way
    monkeypatch.setattr(folder_module, "_BYTES_TOGETHER", 1)
    with pytest.raises(BackupError, match="cannot be written"):
        kit.save(sqlite_url)
    assert list(kit.folder.path.glob("chunks/*/*")) == []


def test_a_chunk_says_what_it_is() -> None:
    assert Chunk(path=f"chunks/ab/{'a' * 64}", content="b" * 64, rows=1, plain=2, size=3).digest == "a" * 64
