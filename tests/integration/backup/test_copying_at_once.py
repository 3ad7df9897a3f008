"""Two machines at work on one place of copies: what one removes is what the other may be relying on."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from neonpay.backup.config import BackupConfig
from neonpay.backup.copying import Copied, copy
from neonpay.backup.deleting import found
from neonpay.backup.elsewhere import Elsewhere, verify_copies
from neonpay.backup.folder import BackupFolder
from neonpay.backup.removing import remove, wait_for_removals
from neonpay.backup.retention import Rules
from neonpay.backup.targets import Target, open_target
from neonpay.core.clock import moment
from neonpay.errors import BackupCopyError
from tests.integration.backup.conftest import Kit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE_S = 60


class Told:
    """A target that tells what is about to be done, and what was."""

    def __init__(
        self,
        inner: Target,
        *,
        before: Callable[[str, str], None] | None = None,
        after: Callable[[str], None] | None = None,
    ) -> None:
        self._inner = inner
        self._before = before or (lambda act, path: None)
        self._after = after or (lambda act: None)
        self.name = inner.name
        self.get = inner.get

    def put(self, path: str, data: bytes) -> None:
        self._before("put", path)
        self._inner.put(path, data)

    def list(self) -> object:
        self._before("list", "")
        listed = self._inner.list()
        self._after("list")
        return listed

    def delete(self, path: str) -> None:
        self._before("delete", path)
        self._inner.delete(path)


class Machines:
    """Two folders with a backup of the same ledger each, so that all their chunks are the same; the first one is copied."""

    def __init__(self, kit: Kit, url: str, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        self.target = open_target(str(tmp_path / "elsewhere"))
        self.kit = kit
        kit.fill(url, rows=1)
        self.first = kit.folder
        self.of_first = kit.save(url)
        self.copy(self.first, self.target)
        self.second = kit.folder = BackupFolder(tmp_path / "of the second")
        self.of_second = kit.save(url)
        shared = {chunk.path for _, chunk in self.of_first.chunks()} & {
            chunk.path for _, chunk in self.of_second.chunks()
        }
        assert shared
        self.config = BackupConfig(backup_directory=self.first.path, copy_to=tmp_path / "elsewhere")

    def copy(self, folder: BackupFolder, target: object) -> Copied:
        return copy(folder, target, rules=Rules(), now=moment(self.kit.clock.now_us()), note=self.kit.note)  # type: ignore[arg-type]

    def delete(self, target: object = None) -> None:
        """What ``neonpay backup delete ID --copy`` does on the first machine."""
        asked = found(self.config, self.of_first.backup_id, copy=True)
        (asked if target is None else replace(asked, there=Elsewhere(target))).run()  # type: ignore[arg-type]

    def prove(self) -> None:
        there = Elsewhere(self.target)
        assert there.ids() == [self.of_second.backup_id]
        verify_copies(there, there.ids(), folder=self.second, note=self.kit.note)
        assert [path for path in there.files if path.startswith("removing/")] == []


@pytest.fixture
def machines(kit: Kit, sqlite_url: str, tmp_path: Path) -> Machines:
    return Machines(kit, sqlite_url, tmp_path)


def test_what_is_deleted_before_the_manifest_is_written_is_brought_again(machines: Machines) -> None:
    """The second machine has looked, and relies on chunks that the first one then removes."""

    def before(act: str, path: str) -> None:
        if (act, path) == ("put", f"manifests/{machines.of_second.backup_id}.json") and machines.first.ids():
            machines.delete()

    machines.copy(machines.second, Told(machines.target, before=before))
    machines.prove()


def test_what_is_copied_while_a_person_is_asked_whether_to_delete_is_kept(machines: Machines) -> None:
    asked = found(machines.config, machines.of_first.backup_id, copy=True)
    machines.copy(machines.second, machines.target)
    asked.run()
    machines.prove()


def test_one_who_copies_waits_for_one_who_has_looked_and_is_removing(machines: Machines) -> None:
    """The first machine has looked before there was a manifest, and removes after the second has looked at everything."""
    is_removing, has_looked = threading.Event(), threading.Event()
    wrote: list[str] = []

    def removing(act: str, path: str) -> None:
        if act == "delete" and path.startswith("chunks/") and not is_removing.is_set():
            is_removing.set()
            assert has_looked.wait(PATIENCE_S)

    def copying(act: str, path: str) -> None:
        if act == "put" and path.startswith("manifests/") and not wrote:
            wrote.append(path)
            deleting.append(pool.submit(machines.delete, first))
            assert is_removing.wait(PATIENCE_S)

    def looked(_: str) -> None:
        if wrote:
            has_looked.set()

    deleting: list[object] = []
    first, second = Told(machines.target, before=removing), Told(machines.target, before=copying, after=looked)
    with ThreadPoolExecutor(1) as pool:
        try:
            machines.copy(machines.second, second)
        finally:
            has_looked.set()
        deleting[0].result()  # type: ignore[attr-defined]
    machines.prove()


def test_the_mark_of_one_who_was_cut_off_is_in_the_way_of_nobody(machines: Machines, tmp_path: Path) -> None:
    mark = f"removing/{'a' * 32}"
    machines.target.put(mark, b"x")
    os.utime(tmp_path / "elsewhere" / mark, (0, 0))
    machines.copy(machines.second, machines.target)
    assert mark not in machines.target.list()
    machines.target.put(mark, b"x")
    wait_for_removals(machines.target, given_up_after_s=0)
    assert mark not in machines.target.list()
    machines.delete()
    machines.prove()


class Late(Told):
    """A target whose list is that of some looks before."""

    def __init__(self, inner: Target, *, before: Callable[[str, str], None] | None = None, looks: int = 3) -> None:
        super().__init__(inner, before=before)
        self._lists = [inner.list()] * looks

    def list(self) -> object:
        self._lists.append(self._inner.list())
        return self._lists.pop(0)


def test_a_list_that_is_late_to_name_what_was_written_is_no_reason_to_write_it_again(machines: Machines) -> None:
    of_before = machines.target.list()
    done = machines.copy(machines.second, Late(machines.target))
    new = {path for path in machines.target.list() if path not in of_before}
    assert (list(done.backup_ids), done.files) == ([machines.of_second.backup_id], len(new))


def test_what_the_folder_has_copied_is_kept_by_a_list_that_is_late_to_name_it(
    machines: Machines, sqlite_url: str
) -> None:
    late = Late(machines.target)
    machines.kit.folder = machines.first
    second = machines.kit.save(sqlite_url)
    machines.copy(machines.first, machines.target)
    machines.delete(late)
    there = Elsewhere(machines.target)
    assert there.ids() == [second.backup_id]
    verify_copies(there, there.ids(), folder=machines.first, note=machines.kit.note)


def test_what_another_machine_has_copied_is_kept_by_a_list_that_is_late_to_name_it(machines: Machines) -> None:
    late = Late(machines.target)
    machines.copy(machines.second, machines.target)
    machines.delete(late)
    machines.prove()


def test_what_is_removed_by_one_whom_a_late_list_hides_is_brought_again(machines: Machines) -> None:
    """The first machine has looked before the second one's manifest was there, and removes after that one has looked."""
    is_removing, is_copied = threading.Event(), threading.Event()
    deleting: list[Future[None]] = []

    def removing(act: str, path: str) -> None:
        if act == "delete" and path.startswith("chunks/") and not is_removing.is_set():
            is_removing.set()
            is_copied.wait(1)  # for good where nobody waits for the mark

    def copying(act: str, path: str) -> None:
        if act == "put" and path.startswith("manifests/") and not deleting:
            deleting.append(pool.submit(machines.delete, Told(machines.target, before=removing)))
            assert is_removing.wait(PATIENCE_S)

    with ThreadPoolExecutor(1) as pool:
        machines.copy(machines.second, Late(machines.target, before=copying))
        is_copied.set()
        deleting[0].result()
    machines.prove()


def test_where_the_list_never_names_what_is_put_no_file_is_removed(
    machines: Machines, caplog: pytest.LogCaptureFixture
) -> None:
    machines.copy(machines.second, machines.target)
    of_before = machines.target.list()
    stuck = Late(machines.target, looks=99)
    one = machines.of_first
    gone = list(remove(Elsewhere(stuck), {one.backup_id}, {one.backup_id: one}, named_within_s=0))  # type: ignore[arg-type]
    assert gone == [one.backup_id]
    assert set(of_before) - set(machines.target.list()) == {f"manifests/{one.backup_id}.json"}
    assert "give each a place of its own" in caplog.text
    wait_for_removals(stuck, {f"manifests/{'backup_2026_01_01_000000'}.json"}, named_within_s=0)  # type: ignore[arg-type]


def test_a_place_that_loses_what_is_copied_has_no_good_copy(machines: Machines, tmp_path: Path) -> None:
    _, chunk = next(iter(machines.of_second.chunks()))

    def before(act: str, _: str) -> None:
        if act == "list":
            (tmp_path / "elsewhere" / chunk.path).unlink(missing_ok=True)

    with pytest.raises(BackupCopyError, match="something else removes them"):
        machines.copy(machines.second, Told(machines.target, before=before))


def test_two_machines_that_put_the_same_chunk_both_leave_it_whole(tmp_path: Path) -> None:
    path, data = f"chunks/ab/{'ab' * 32}", b"a chunk"
    BackupFolder(tmp_path).make()
    with BackupFolder(tmp_path).writing() as first, BackupFolder(tmp_path).writing() as second:
        first.write(path, data)
        second.write(path, data)
    assert (tmp_path / path).read_bytes() == data
    assert [file.name for file in (tmp_path / path).parent.iterdir()] == ["ab" * 32]


def test_what_a_machine_has_left_half_written_is_gone_after_a_day(tmp_path: Path) -> None:
    path = f"chunks/ab/{'ab' * 32}"
    target = open_target(str(tmp_path))
    target.put(path, b"a chunk")
    young, old = ((tmp_path / path).with_name(f".tmp-{'ab' * 32}.{mark}") for mark in ("young", "old"))
    for left in (young, old):
        left.write_bytes(b"a ch")
    os.utime(old, (0, 0))
    assert list(target.list()) == [path]
    assert (young.exists(), old.exists()) == (True, False)
