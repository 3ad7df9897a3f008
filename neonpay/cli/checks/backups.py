"""Whether there is a backup that can be relied on, as far as the ledger knows of any."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from neonpay.backup.runs import Restore, Run, last, last_restore, since
from neonpay.cli.checks.check import Check, ok, skipped, warning
from neonpay.core.clock import Clock, moment
from neonpay.errors import ConfigurationError, LedgerError
from neonpay.ledger import Transaction, open_ledger

NAMES: Final = ("backup.newest", "backup.tried", "backup.copied")
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Known:
    good: Run | None
    failed: Run | None
    drill: Run | None
    copied: Run | None
    copy_failed: Run | None
    restored: Restore | None


async def check_backups(database_url: str, *, warn_after_hours: float, clock: Clock, timeout_s: float) -> list[Check]:
    """Every check of ``NAMES``: a warning when the last good backup is old, none was ever tried out, or the copies failed."""
    ledger = None
    try:
        ledger = open_ledger(database_url, as_it_is=True)
        async with asyncio.timeout(timeout_s):
            known = await ledger.read(_known)
    except (LedgerError, ConfigurationError, TimeoutError):
        return [skipped(name, "cannot be read, see database.reachable") for name in NAMES]
    finally:
        if ledger is not None:
            await ledger.close()
    is_restored = known.restored is not None and known.restored.is_of_backup
    if known.good is None and known.failed is None and not is_restored:
        finding = "neonpay has made no backup of this ledger"
        return [skipped(name, finding, "make one: neonpay backup create") for name in NAMES]
    now = moment(clock.now_us())
    return [_newest(known, warn_after_hours, now), _tried(known), _copied(known, warn_after_hours, now)]


def _known(transaction: Transaction) -> _Known:
    return _Known(
        last(transaction, "backup"),
        last(transaction, "backup", is_good=False),
        last(transaction, "drill"),
        last(transaction, "copy"),
        last(transaction, "copy", is_good=False),
        last_restore(transaction),
    )


def _newest(known: _Known, warn_after_hours: float, now: datetime) -> Check:
    name, restored = NAMES[0], known.restored
    good, failed = since(restored, known.good), since(restored, known.failed)
    if failed is not None and (good is None or failed.began_at > good.began_at):
        finding = f"the last backup, of {failed.began_at:%Y-%m-%d %H:%M} UTC, has failed: {failed.error}"
        return warning(name, finding, "mend that, then: neonpay backup create")
    line = 'neonpay backup create; by itself with schedule = "daily" under [backup]'
    if good is not None:
        age_hours = (now - good.began_at) / _HOUR
        if age_hours > warn_after_hours:
            return warning(name, f"the last good backup is {age_hours:.0f} hours old ({good.backup_id})", line)
        return ok(name, f"{good.backup_id} is of {good.began_at:%Y-%m-%d %H:%M} UTC")
    assert restored is not None, "there is a good one, or one that failed, or one that was restored"
    finding = f"the ledger was restored from {restored.backup_id} on {restored.at:%Y-%m-%d %H:%M} UTC"
    if (now - restored.at) / _HOUR > warn_after_hours:
        return warning(name, f"{finding}, and no backup was made since", line)
    return ok(name, f"{finding}; none is due yet")


def _tried(known: _Known) -> Check:
    name = NAMES[1]
    if known.drill is not None:
        return ok(name, f"{known.drill.backup_id} was tried out on {known.drill.ended_at:%Y-%m-%d}")
    if known.restored is not None and known.restored.is_of_backup:
        return ok(name, f"the ledger itself was restored from one on {known.restored.at:%Y-%m-%d}")
    return warning(name, "no backup was ever restored or tried out", "neonpay backup drill")


def _copied(known: _Known, warn_after_hours: float, now: datetime) -> Check:
    name, copied, failed = NAMES[2], known.copied, known.copy_failed
    if failed is not None and (copied is None or failed.began_at > copied.began_at):
        finding = f"backups were not copied to {failed.place} on {failed.began_at:%Y-%m-%d %H:%M} UTC: {failed.error}"
        return warning(name, finding, "mend that, then: neonpay backup copy")
    if copied is None:
        finding = "backups are in one place alone, which may be lost together with the ledger"
        return skipped(name, finding, "copy_to under [backup], or neonpay backup copy --copy-to TARGET")
    age_hours = (now - copied.began_at) / _HOUR
    if age_hours > warn_after_hours:
        finding = f"the last backup that was copied to {copied.place} was so {age_hours:.0f} hours ago"
        return warning(name, finding, "neonpay backup copy")
    return ok(name, f"{copied.backup_id} is in {copied.place} as well")
