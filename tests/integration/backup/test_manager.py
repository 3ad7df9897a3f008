"""The manager of the guide, in both of its forms, and backups that a shop makes itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pyrage
import pytest
import sqlalchemy as sa

from neonpay import BackupConfig, BackupInfo, BackupManager, BackupStatus, BackupType
from neonpay.backup.runs import Run, last, runs
from neonpay.backup.scheduling import turn_at
from neonpay.backup.settling import fence
from neonpay.errors import (
    BackupCopyError,
    BackupNotFoundError,
    ConfigurationError,
    RestoreRefusedError,
    ValidationError,
)
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import events
from neonpay.notifications.watching import about_ledger
from neonpay.store.periodic import PeriodicStore, Turn
from tests.integration.backup.conftest import BOT, Kit
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from neonpay.ledger import Ledger, Transaction
    from tests.integration.conftest import MovableClock, Shop


async def test_the_first_form_of_the_guide(
    kit: Kit, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(kit.fill, database_url)
    monkeypatch.setenv("NEONPAY_DATABASE_URL", database_url)
    config = BackupConfig(
        backup_type=BackupType.JSON, backup_path=tmp_path / "backups", schedule="daily", max_backups=30
    )
    manager = BackupManager(config)
    made = await manager.create_backup(description="Weekly backup")
    assert (made.status, made.description, made.payments) == (BackupStatus.COMPLETED, "Weekly backup", 3)
    (found,) = await manager.list_backups()
    assert found == made
    restored = await manager.restore_backup(backup_id=made.backup_id)
    assert restored.kept is not None


async def test_the_second_form_of_the_guide(shop: Shop, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(identity))
    config = BackupConfig(
        backup_directory=str(tmp_path / "backups"),
        max_backups=10,
        compression=True,
        encryption=True,
        recipients=(str(identity.to_public()),),
        identity_files=(tmp_path / "key",),
        auto_backup=False,
        backup_interval_hours=24,
    )
    backup = BackupManager(shop.neonpay, config)
    async with shop.polling():
        made = await backup.create_backup(backup_type=BackupType.FULL, description="Weekly backup")
        backups: list[BackupInfo] = backup.list_backups()
        assert [one.backup_id for one in backups] == [made.backup_id]
        assert (backups[0].is_encrypted, backups[0].backup_type) == (True, "full")
        assert (await backup.verify_backup(made.backup_id)).status is BackupStatus.VERIFIED
        assert (await backup.drill()).manifest.backup_id == made.backup_id
        with pytest.raises(RestoreRefusedError, match=f"neonpay backup restore {made.backup_id}"):
            await backup.restore_backup(made.backup_id)
        assert (await backup.delete_backup(made.backup_id)).freed_bytes > 0
    assert backup.get_backup_info(made.backup_id) is None
    with pytest.raises(BackupNotFoundError):
        await backup.delete_backup("backup_1234567890")


def test_what_says_nothing_that_can_be_done_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="encryption_key"):
        BackupConfig(encryption=True)
    with pytest.raises(ConfigurationError, match="12 characters"):
        BackupConfig(encryption_key="short")
    assert "short" not in repr(BackupConfig(encryption_key="short" * 4))
    assert BackupConfig(backup_path=tmp_path).folder == tmp_path
    assert BackupConfig(backup_type="sqlite").form == "sqlite"  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="full, incremental, differential, json, sqlite, postgresql; got 'SQL'"):
        BackupConfig(backup_type="SQL")  # type: ignore[arg-type]


async def test_a_type_that_is_none_makes_no_backup_of_another_one(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(kit.fill, sqlite_url)
    backups = BackupManager(BackupConfig(backup_directory=tmp_path / "mine"), database_url=sqlite_url)
    with pytest.raises(ValidationError, match="backup_type"):
        await backups.create_backup("weekly")  # type: ignore[arg-type]
    assert backups.list_backups() == []


async def run_of(ledger: Ledger, act: str = "backup", *, is_good: bool = True) -> Run | None:
    def unit(transaction: Transaction) -> Run | None:
        return last(transaction, act, is_good=is_good)  # type: ignore[arg-type]

    return await ledger.read(unit)


async def test_what_was_missed_is_made_once_by_one_of_several(
    kit: Kit, database_url: str, tmp_path: Path, clock: MovableClock
) -> None:
    config = BackupConfig(backup_directory=tmp_path / "backups", schedule="6h")
    kit.clock = clock
    await asyncio.to_thread(kit.fill, database_url)
    one, two = open_ledger(database_url, clock=clock), open_ledger(database_url, clock=clock)
    count = iter(range(1, 1000))

    async def look(ledger: Ledger) -> None:
        store = PeriodicStore(ledger, 7_000_000_001, new_token=lambda: next(count))
        turn: Turn | None = await store.take("backup:scheduled", early=True)
        if turn is not None:
            pause_s = await turn_at(turn, ledger, config, clock)
            assert 0 < pause_s <= 60
            await store.end(turn, next_in_s=0)

    made = []
    for hours in (0, 1, 3, 2, 30, 1, -20, 7):
        clock.advance(hours * 3600)
        await asyncio.gather(look(one), look(two))
        await look(two)
        made.append(len(list((tmp_path / "backups" / "manifests").glob("*.json"))))
    # At once, six hours later, once for all that was missed, and after the clock was set back no sooner than six hours on.
    assert made == [1, 1, 1, 2, 3, 3, 3, 4]
    await one.close()
    await two.close()


async def test_one_that_fails_is_told_and_tried_again(
    kit: Kit, sqlite_url: str, tmp_path: Path, clock: MovableClock
) -> None:
    (tmp_path / "file").write_text("")
    config = BackupConfig(backup_directory=tmp_path / "file" / "backups", schedule="6h")
    ledger = open_ledger(sqlite_url, clock=clock)
    store = PeriodicStore(ledger, 5, new_token=lambda: 1)
    turn = await store.take("backup:scheduled")
    assert turn is not None
    assert await turn_at(turn, ledger, config, clock) == 300
    failed = await run_of(ledger, is_good=False)
    assert failed is not None
    assert "cannot be made" in (failed.error or "")
    assert await run_of(ledger) is None
    await ledger.close()


async def test_one_that_was_not_copied_is_copied_later_and_not_made_again(
    sqlite_url: str, tmp_path: Path, clock: MovableClock
) -> None:
    elsewhere = tmp_path / "elsewhere"
    config = BackupConfig(backup_directory=tmp_path / "backups", schedule="6h", copy_to=elsewhere)
    ledger = open_ledger(sqlite_url, clock=clock)
    store = PeriodicStore(ledger, 5, new_token=iter(range(1, 100)).__next__)

    async def look() -> tuple[str, bool]:
        turn = await store.take("backup:scheduled", early=True)
        assert turn is not None
        await turn_at(turn, ledger, config, clock)
        await store.end(turn, next_in_s=0)
        newest, *_ = await ledger.read(runs)
        return newest.act, newest.error is None

    assert await look() == ("copy", False)
    assert [one.name for one in await ledger.read(about_ledger, 5, clock.now_us(), None)] == ["copy"]
    made_us = clock.now_us() + 1
    await ledger.run(lambda t: fence(t, "backup_1", made_us=made_us, now_us=made_us, parked={}))
    assert await ledger.read(about_ledger, 5, clock.now_us(), None) == []  # of before the ledger was restored
    elsewhere.mkdir()
    clock.advance(60)
    assert await look() == ("copy", False)
    clock.advance(300)
    assert await look() == ("copy", True)
    assert await look() == ("copy", True)
    assert [run.act for run in await ledger.read(runs)] == ["copy", "copy", "backup"]
    assert [one.name for one in await ledger.read(about_ledger, 5, clock.now_us(), None)] == []
    assert len(list((elsewhere / "manifests").iterdir())) == 1
    await ledger.close()


async def test_a_shop_makes_its_backups_itself(open_shop: Callable[..., Shop], tmp_path: Path) -> None:
    shop = open_shop()
    BackupManager(shop.neonpay, BackupConfig(backup_directory=tmp_path / "backups", auto_backup=True))
    async with shop.polling():
        async with asyncio.timeout(60):
            while (run := await run_of(shop.neonpay.program.pipeline.ledger)) is None:
                await between_looks()
    assert (run.act, run.error, run.description) == ("backup", None, "scheduled")
    assert len(list((tmp_path / "backups" / "manifests").glob("*.json"))) == 1


async def test_a_manager_without_a_shop_makes_them_too(
    kit: Kit, sqlite_url: str, tmp_path: Path, clock: MovableClock
) -> None:
    config = BackupConfig(backup_directory=tmp_path / "backups", schedule="1h", max_backups=2)
    manager = BackupManager(config, database_url=sqlite_url, clock=clock)
    with pytest.raises(ConfigurationError, match="start the bot once"):
        await manager.start_scheduled_backups()
    kit.clock = clock
    await asyncio.to_thread(kit.fill, sqlite_url)
    await manager.start_scheduled_backups()
    ledger = open_ledger(sqlite_url, clock=clock)
    async with asyncio.timeout(60):
        while await run_of(ledger) is None:
            await between_looks()
    await manager.stop_scheduled_backups()
    for _ in range(3):
        clock.advance(3600)
        await manager.create_backup()
    assert len(manager.list_backups()) == 2
    assert [run.act for run in await ledger.read(runs)] == ["backup"] * 4
    await ledger.close()


async def test_a_program_copies_fetches_and_adopts_as_the_commands_do(
    kit: Kit, sqlite_url: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(kit.fill, sqlite_url)
    long_ago = sa.update(events).values(at=5)  # what it is filled with may be of the year 2255
    await asyncio.to_thread(kit.run, sqlite_url, lambda transaction: transaction.connection.execute(long_ago).rowcount)
    (elsewhere := tmp_path / "elsewhere").mkdir()
    here = BackupManager(BackupConfig(backup_directory=tmp_path / "here"), database_url=sqlite_url)
    with pytest.raises(ConfigurationError, match="copy_to"):
        await here.copy_backups()
    made = await here.create_backup()
    here.config = replace(here.config, copy_to=elsewhere)
    assert list((await here.copy_backups()).backup_ids) == [made.backup_id]

    lost = BackupManager(BackupConfig(backup_directory=tmp_path / "new", copy_to=elsewhere), database_url=sqlite_url)
    assert (await lost.fetch_backup()).backup_id == made.backup_id
    assert [one.backup_id for one in lost.list_backups()] == [made.backup_id]

    assert set((await lost.adopt_copy()).parked) == {BOT}


async def test_a_shop_that_runs_is_not_adopted(open_shop: Callable[..., Shop], tmp_path: Path) -> None:
    manager = BackupManager(open_shop().neonpay, BackupConfig(backup_directory=tmp_path))
    with pytest.raises(RestoreRefusedError, match="neonpay backup adopt"):
        await manager.adopt_copy()


async def test_a_program_deletes_the_copy_when_it_says_so(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(kit.fill, sqlite_url)
    elsewhere = tmp_path / "elsewhere"
    manager = BackupManager(
        BackupConfig(backup_directory=tmp_path / "here", copy_to=elsewhere), database_url=sqlite_url
    )
    manifests = elsewhere / "manifests"
    elsewhere.mkdir()
    first, second = [(await manager.create_backup()).backup_id for _ in range(2)]

    done = await manager.delete_backup(first)
    assert (list(done.places), done.stays_in) == ([str(tmp_path / "here")], str(elsewhere))
    assert sorted(path.stem for path in manifests.iterdir()) == sorted([first, second])
    done = await manager.delete_backup(first, copy=True)
    assert (list(done.places), done.stays_in, done.freed_bytes) == ([str(elsewhere)], None, 0)
    done = await manager.delete_backup(second, copy=True)
    assert list(done.places) == [str(tmp_path / "here"), str(elsewhere)]
    assert [path for path in elsewhere.rglob("*") if path.is_file()] == []
    with pytest.raises(BackupNotFoundError, match="nor in"):
        await manager.delete_backup(second, copy=True)

    third = (await manager.create_backup()).backup_id
    elsewhere.rename(tmp_path / "not mounted")
    with pytest.raises(BackupCopyError, match="mount it"):
        await manager.delete_backup(third, copy=True)
    manager.config = replace(manager.config, copy_to=None)
    with pytest.raises(ConfigurationError, match="copy_to"):
        await manager.delete_backup(third, copy=True)
    assert [one.backup_id for one in manager.list_backups()] == [third]
    assert (await manager.delete_backup(third)).stays_in is None
