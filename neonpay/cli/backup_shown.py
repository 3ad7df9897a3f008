"""How backups look on a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import typer

from neonpay.cli.columns import Column, print_with_remarks
from neonpay.cli.counted import counted
from neonpay.cli.lines import say
from neonpay.cli.sheets import minute
from neonpay.core.clock import moment

if TYPE_CHECKING:
    from neonpay.backup.adopting import Adopted, Looked
    from neonpay.backup.copying import Copied
    from neonpay.backup.deleting import Deleted
    from neonpay.backup.info import BackupInfo
    from neonpay.backup.manifest import Manifest
    from neonpay.backup.restoring import Restored
    from neonpay.books.verification import Proof
    from neonpay.core.jsontext import JsonValue

_UNITS: Final = ("bytes", "KB", "MB", "GB", "TB")
_STEP: Final = 1000
_JUST_STOPPED_MINUTES: Final = 15
_HOURS_FROM_MINUTES: Final = 120
_WHAT: Final = {"jobs": "job", "messages": "message", "invoices": "invoice"}


def sized(count: int) -> str:
    """``812 bytes``, ``3.4 MB``."""
    size, unit = float(count), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{count} {_UNITS[0]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def print_backups(found: Sequence[BackupInfo]) -> None:
    """Print backups as a table, with what is to be said of some."""
    columns = [
        Column(title="backup"),
        Column(title="made (UTC)"),
        Column(title="type", gives=2, least=4),
        Column(title="form", may_go=True),
        Column(title="payments", is_number=True, may_go=True),
        Column(title="size", is_number=True),
        Column(title="new", is_number=True, may_go=True),
        Column(title="state"),
    ]
    rows = [
        [
            one.backup_id,
            minute(one.created_at),
            one.backup_type.value,
            str(one.metadata.get("form", "")),
            f"{one.payments:,}",
            sized(one.size_bytes),
            sized(one.added_bytes),
            "encrypted" if one.is_encrypted and one.error is None else one.status.value,
        ]
        for one in found
    ]
    print_with_remarks(columns, rows, "what for", [one.error or one.description for one in found])
    say("")
    say(counted(len(found), "backup"))


def say_made(info: BackupInfo, made: Manifest, *, has_key: bool) -> None:
    """Print what was made, what it lacks, and what to type next.

    Args:
        has_key: whether what opens it is there, for the line that tries it out.
    """
    what = "the database's file" if made.form == "sqlite" else counted(made.rows, "row")
    say(
        f"{info.backup_id}: {what}, {sized(info.size_bytes)}, of which {sized(info.added_bytes)} are new. "
        f"It is in {info.file_path}."
    )
    if info.left_out:
        say("It is not encrypted, and so it is without:")
        for words in info.left_out:
            say(f"  {words}")
        say("To have them in it, set NEONPAY_BACKUP_PASSPHRASE, or give --recipient.")
    if made.encryption is not None:
        say("To read it without neonpay, in its folder:")
        for command in made.encryption.commands:
            typer.echo(f"  {command}")  # whole, however narrow the terminal is
    key = "" if made.encryption is None or has_key else " --identity FILE"
    say(f"Try it out: neonpay backup drill{key}")


def say_copied(done: Copied) -> None:
    """Print what was copied, and what is gone there."""
    written = f"{counted(done.files, 'file')} of {sized(done.written_bytes)} were written, and read back"
    say(f"{done.newest.backup_id} is in {done.target}; {written if done.files else 'nothing was new'}.")
    for backup_id in done.removed:
        say(f"  {backup_id} need not be kept and is gone there")


def say_deleted(done: Deleted, *, is_here: bool) -> None:
    """Print where a backup is gone, and where a copy of it may be still."""
    here = f"; {sized(done.freed_bytes)} are free here" if is_here else ""
    say(f"{done.backup_id} is deleted in {' and in '.join(done.places)}{here}.")
    if done.stays_in is not None:
        say(f"A copy in {done.stays_in} stays; to delete it as well: neonpay backup delete {done.backup_id} --copy")


def say_restored(restored: Restored) -> None:
    """Print what has become of the ledger, what waits for a person, and what to type next."""
    manifest = restored.manifest
    say(f"{restored.place} is the ledger of {manifest.created_at:%Y-%m-%d %H:%M} UTC ({manifest.backup_id}).")
    _say_books(restored.proofs)
    if restored.kept is not None:
        say(f"What was there before is kept: {restored.kept}")
    for words in manifest.left_out:
        say(f"The backup was without {words}.")
    _say_what_waits(restored.parked)


def say_adopted(done: Adopted) -> None:
    """Print what has become of a copy, what waits for a person, and what to type next."""
    of = "" if done.newest_at is None else f", which ends on {done.newest_at:%Y-%m-%d %H:%M:%S} UTC,"
    say(f"The ledger in {done.place}{of} does nothing old by itself.")
    _say_books(done.proofs)
    _say_what_waits(done.parked)


def say_before_adopting(found: Looked, now_us: int) -> None:
    """Print on standard error what tells a copy from a ledger that was only stopped, and what its adoption sets aside."""
    if found.heard_of_at is not None:
        age = moment(now_us) - found.heard_of_at
        minutes = int(age / timedelta(minutes=1))
        ago = counted(minutes, "minute") if minutes < _HOURS_FROM_MINUTES else counted(minutes // 60, "hour")
        _aside(f"The ledger was at work last on {found.heard_of_at:%Y-%m-%d %H:%M:%S} UTC, {ago} ago.")
        if minutes < _JUST_STOPPED_MINUTES:
            _aside("If it was only stopped, it is no copy and has lost nothing: say no, and start the bot.")
            _aside("If Litestream, an archive, pg_dump or a snapshot has brought it back, it is one, however young.")
    waits = [counted(count, _WHAT[name]) for name, count in found.waiting.items() if count]
    what = f"set aside is what waits in it: {', '.join(waits)}" if waits else "nothing waits in it"
    _aside(f"After a yes: {what}; so is what was sold since, and none of that is done before you decide on each.")


def _aside(words: str) -> None:
    typer.echo(words, err=True)


def _say_books(proofs: Sequence[Proof]) -> None:
    for proof in proofs:
        say(
            f"  bot {proof.bot_id}: {counted(proof.payments, 'payment')}, head {proof.head or 'none'}; "
            + (
                "its books add up"
                if proof.is_clean
                else f"{counted(proof.findings_count, 'finding')}, see neonpay verify"
            )
        )


def _say_what_waits(parked: Mapping[int, Mapping[str, int]]) -> None:
    for bot_id, of_bot in sorted(parked.items()):
        waits = [counted(count, _WHAT[name]) for name, count in of_bot.items() if count]
        if waits:
            say(
                f"  bot {bot_id}: for you to decide, since it may have been done after the backup: {', '.join(waits)}; see "
                "neonpay payments list --dead-letters"
            )
    say("Start the bot, then see what was sold since: neonpay reconcile, and neonpay payments list --needs-attention")
    say("Each of these may have been delivered: accept --delivered, accept, or refund.")


def say_drilled(found: Restored) -> None:
    """Print what was tried out."""
    for proof in found.proofs:
        books = "add up" if proof.is_clean else f"do not add up ({counted(proof.findings_count, 'finding')})"
        say(
            f"bot {proof.bot_id}: {counted(proof.payments, 'payment')}, {counted(proof.seals, 'seal')}; the books {books}"
        )
    say(f"{found.manifest.backup_id}, of {found.manifest.created_at:%Y-%m-%d %H:%M} UTC, restores.")


def as_json(info: BackupInfo) -> dict[str, JsonValue]:
    """A backup for programs."""
    return {
        "backup_id": info.backup_id,
        "backup_type": info.backup_type.value,
        "form": str(info.metadata["form"]) if "form" in info.metadata else None,
        "status": info.status.value,
        "created_at": info.created_at.isoformat(),
        "size_bytes": info.size_bytes,
        "added_bytes": info.added_bytes,
        "file_path": info.file_path,
        "description": info.description,
        "is_encrypted": info.is_encrypted,
        "bot_ids": list(info.bot_ids),
        "payments": info.payments,
        "left_out": list(info.left_out),
        "error": info.error,
    }


def copied_json(done: Copied) -> dict[str, JsonValue]:
    """What was copied, for programs."""
    return {
        "target": done.target,
        "newest": done.newest.backup_id,
        "backup_ids": list(done.backup_ids),
        "files": done.files,
        "written_bytes": done.written_bytes,
        "removed": list(done.removed),
    }


def restored_json(restored: Restored) -> dict[str, JsonValue]:
    """What has become of a backup, for programs."""
    return {
        "backup_id": restored.manifest.backup_id,
        "created_at": restored.manifest.created_at.isoformat(),
        "place": restored.place,
        "kept": restored.kept,
        "bots": _books_json(restored.proofs, restored.parked),
    }


def adopted_json(done: Adopted) -> dict[str, JsonValue]:
    """What has become of a copy, for programs."""
    return {
        "place": done.place,
        "newest_at": None if done.newest_at is None else done.newest_at.isoformat(),
        "bots": _books_json(done.proofs, done.parked),
    }


def _books_json(proofs: Sequence[Proof], parked: Mapping[int, Mapping[str, int]]) -> list[JsonValue]:
    return [
        {
            "bot_id": proof.bot_id,
            "payments": proof.payments,
            "head": proof.head,
            "is_clean": proof.is_clean,
            "parked": dict(parked.get(proof.bot_id, {})),
        }
        for proof in proofs
    ]
