"""Where a SQLite file lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neonpay.cli.checks.place import check_place
from neonpay.errors import LedgerReadOnlyError, LedgerUnavailableError
from neonpay.ledger.place import in_container, passing, refuse_unwritable


def test_a_folder_that_is_missing_is_told_with_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailableError, match=f"mkdir -p {tmp_path}/none"):
        refuse_unwritable(tmp_path / "none" / "shop.db")


def test_a_folder_that_cannot_be_written_is_told_with_its_owner_and_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(LedgerReadOnlyError) as refused:
        refuse_unwritable(tmp_path / "shop.db", access=lambda path, _: path != tmp_path)
    words = str(refused.value)
    assert f"the folder {tmp_path}" in words
    assert f"belongs to uid {os.getuid()} and has mode 0755" in words
    assert f"run: chown {os.geteuid()} {tmp_path}" in words


def test_a_file_that_cannot_be_written_is_told_with_its_owner_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    path.touch(0o400)
    path.chmod(0o400)
    with pytest.raises(LedgerReadOnlyError, match=f"the file {path} .* mode 0400"):
        refuse_unwritable(path, access=lambda looked, _: looked != path)


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv", "proc/1/cgroup"])
def test_a_container_is_known_by_its_files(tmp_path: Path, mark: str) -> None:
    (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / mark).write_text("12:memory:/docker/0123456789ab\n")
    assert in_container(tmp_path)


def test_a_machine_is_no_container(tmp_path: Path) -> None:
    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/1/cgroup").write_text("0::/init.scope\n")
    assert not in_container(tmp_path)


def test_a_relative_path_matters_in_a_container_alone(tmp_path: Path) -> None:
    told = passing(Path("shop.db"), is_container=lambda: True)
    assert told is not None
    assert "NEONPAY_DATABASE_URL=sqlite:////data/shop.db" in told
    assert passing(Path("shop.db"), is_container=lambda: False) is None
    assert passing(tmp_path / "shop.db", is_container=lambda: True) is None


@pytest.mark.parametrize(
    ("url", "is_writable", "state"),
    [
        ("sqlite:///shop.db", True, "warning"),
        ("sqlite:////{folder}/shop.db", True, "ok"),
        ("sqlite:////{folder}/shop.db", False, "problem"),
        ("sqlite:////{folder}/none/shop.db", True, "problem"),
        ("postgresql://shop@db.example/shop", False, "skipped"),
    ],
)
def test_doctor_tells_the_same(tmp_path: Path, url: str, *, is_writable: bool, state: str) -> None:
    at = url.format(folder=str(tmp_path).lstrip("/"))
    check = check_place(at, access=lambda *_: is_writable, is_container=lambda: True)
    assert check.state == state
    assert bool(check.advice) == (state in {"warning", "problem"})
