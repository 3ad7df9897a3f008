"""The page of backups: what was done with them, and what to type."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from neonpay.backup.runs import Run, record
from neonpay.backup.settling import fence
from neonpay.core.clock import moment

if TYPE_CHECKING:
    from neonpay.ledger import Transaction
    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.web.conftest import Served


async def test_what_was_done_with_backups_is_seen(shop: Shop, served: Served, clock: MovableClock) -> None:
    await shop.neonpay.setup()
    now = moment(clock.now_us())

    def done(transaction: Transaction, run_id: str, error: str | None) -> None:
        began_at = now - timedelta(hours=3)
        run = Run(
            run_id=run_id,
            act="backup",
            backup_id=None if error else "backup_2026_09_21_140000",
            place="/var/backups",
            began_at=began_at,
            ended_at=began_at,
            size_bytes=12_000,
            added_bytes=700,
            error=error,
        )
        record(transaction, run)

    async with served() as http:
        assert "neonpay backup create" in await (await http.get("/backup/")).text()
        await shop.neonpay.program.pipeline.ledger.run(done, "1", None)
        page = await (await http.get("/backup/")).text()
        assert "The last good backup is of" in page
        assert "backup_2026_09_21_140000" in page
        assert "neonpay backup drill" in page
        await shop.neonpay.program.pipeline.ledger.run(done, "2", "BackupError: <no> space")
        page = await (await http.get("/backup/")).text()
        now_us = clock.now_us()
        await shop.neonpay.program.pipeline.ledger.run(
            lambda t: fence(t, "backup_2026_09_21_140000", made_us=now_us, now_us=now_us, parked={})
        )
        restored = await (await http.get("/backup/")).text()
    assert "No backup was made since this ledger was restored." in restored
    assert "The last backup has failed." not in restored
    assert "The last backup has failed." in page
    assert "BackupError: &lt;no&gt; space" in page
