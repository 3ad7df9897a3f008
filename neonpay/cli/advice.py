"""What to type when the ledger is not where it was looked for, or does not answer."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from neonpay.errors import LedgerError, LedgerUnavailableError, NoLedgerError, SchemaTooOldError
from neonpay.ledger.faults import server_of

_MOST_FILES = 3
_SUFFIXES = frozenset({".db", ".sqlite", ".sqlite3"})
_BEGINS = b"SQLite format 3\0"
_OTHERWISE = "--database or NEONPAY_DATABASE_URL names another one"


def about_ledger(error: LedgerError, database_url: str) -> str:
    """Which database it is, without user and password, and what to type where that helps; empty when nothing does."""
    if not isinstance(error, LedgerUnavailableError) or isinstance(error, SchemaTooOldError):
        return ""
    url = sa.make_url(database_url)
    if url.get_backend_name() != "sqlite":
        asked = f"asked at {server_of(url)}"
        return _OTHERWISE if asked in str(error) else f"{asked}; {_OTHERWISE}"
    folder = Path(url.database or "").resolve().parent
    if not folder.is_dir():
        return f"there is no folder {folder}; {_OTHERWISE}"
    if not isinstance(error, NoLedgerError):
        asked = f"asked at {server_of(url)}"
        return _OTHERWISE if asked in str(error) else f"{asked}; {_OTHERWISE}"
    found = databases_in(Path.cwd())
    if found:
        return f"type --database sqlite:///{found[0].name}" + "".join(f" or sqlite:///{f.name}" for f in found[1:])
    return (
        f"type --database sqlite:///FOLDER/neonpay.db, or set NEONPAY_DATABASE_URL; this folder, {Path.cwd()}, has none"
    )


def databases_in(folder: Path) -> list[Path]:
    """A few files of SQLite in a folder, by name."""
    named = (file for file in sorted(folder.glob("*.*")) if file.suffix in _SUFFIXES)
    return list(islice(filter(_is_database, named), _MOST_FILES))


def _is_database(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(_BEGINS)) == _BEGINS
    except OSError:
        return False
