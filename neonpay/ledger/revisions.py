"""A chain of migrations: the files of a folder in the order of their names, and the row that says how far a database has come.

Beside the revision the row has the *oldest* program that may work on such tables. Each migration says so of itself
(``works_with = "0009"``: the newest revision that such a program knows); one that says nothing works with nothing older than
itself. So a program of the release before may go on, and start again, while the tables are a newer one's already.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.util import await_only

from neonpay.core.clock import stopwatch_s
from neonpay.core.log_lines import LEDGER_UPGRADED
from neonpay.errors import ConfigurationError, SchemaTooNewError
from neonpay.ledger.quiet import quiet_alembic

_FILE = re.compile(r"(\d{4})_\w+\.py")
_ENVIRONMENT = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a database has come.

    Attributes:
        revision: of its tables.
        oldest: the newest revision that a program has to know to work on them; None when the row does not say.
    """

    revision: str
    oldest: str | None

    @staticmethod
    def of(row: Sequence[object] | None) -> Standing | None:
        """What a row of a version table says; None when there is no row."""
        if row is None:
            return None
        oldest = row[1] if len(row) > 1 else None
        return Standing(str(row[0]), None if oldest is None else str(oldest))


def revisions_in(folder: Path) -> tuple[str, ...]:
    """The revisions of a folder, oldest first: the four digits at the beginning of each file's name.

    Raises:
        ConfigurationError: there is none, which is so in programs that were packed without their source files.
    """
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    found = tuple(sorted(match[1] for match in map(_FILE.fullmatch, names) if match))
    if not found:
        advice = "a packed program has to take the .py files along (PyInstaller: --collect-all neonpay)"
        msg = f"there is no migration in {folder}; {advice}"
        raise ConfigurationError(msg)
    return found


def is_due(standing: Standing | None, known: Sequence[str], *, package: str) -> bool:
    """Whether tables have to be made or upgraded by a program that knows these revisions.

    Raises:
        SchemaTooNewError: a newer program made them, and this one must not work on them.
    """
    if standing is None:
        return True
    if standing.revision in known:
        return standing.revision != known[-1]
    if standing.oldest in known:
        return False
    msg = (
        f"the database has schema {standing.revision!r}, written by a newer {package}, on which programs may work that know "
        f"{standing.oldest or standing.revision!r}; this program knows up to {known[-1]!r}. Upgrade {package}; nothing was "
        "changed."
    )
    raise SchemaTooNewError(msg)


def upgrade(
    connection: sa.Connection, folder: Path, version_table: str, metadata: sa.MetaData, *, to: str = "head"
) -> None:
    """Run the migrations of a folder that a database has not had, inside the transaction of a connection.

    Ledgers of one process take turns: what a script calls ``op`` is Alembic's, and there is one of it.

    Args:
        to: the last revision that is run; the newest when left out.
    """
    began_s = stopwatch_s()
    with _TURNS.mine(connection), quiet_alembic():
        _run(connection, folder, version_table, metadata, to)
    schema = revisions_in(folder)[-1] if to == "head" else to
    LEDGER_UPGRADED.tell(began_s=began_s, version_table=version_table, schema=schema)


class _Turns:
    """Whose scripts run in this process."""

    def __init__(self) -> None:
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def mine(self, connection: sa.Connection) -> Iterator[None]:
        """Nobody else's run inside the block."""
        if connection.dialect.is_async:
            # On an event loop, where the one that has the turn may need it to get on.
            await_only(self._wait())
        else:
            self._lock.acquire()
        lock = self._lock
        try:
            yield
        finally:
            lock.release()

    async def _wait(self) -> None:
        while not self._lock.acquire(blocking=False):  # noqa: ASYNC110  # the lock is that of threads, too
            await asyncio.sleep(_LOOK_EVERY_S)


_LOOK_EVERY_S = 0.01
_TURNS: Final = _Turns()


def _run(connection: sa.Connection, folder: Path, version_table: str, metadata: sa.MetaData, to: str) -> None:
    # Alembic costs a third of a second to import, so a database that is current never loads it.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", _escaped(_ENVIRONMENT))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_path_separator", "os")
    config.set_main_option("version_locations", _escaped(folder))
    config.attributes.update(connection=connection, version_table=version_table, metadata=metadata)
    command.upgrade(config, to)
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    note_oldest(connection, version_table, [getattr(one.module, "works_with", one.revision) for one in scripts])


def note_oldest(connection: sa.Connection, version_table: str, works_with: Iterable[str]) -> None:
    """A program has to know each of these revisions, and what was noted before, to work on the tables."""
    if "oldest" not in {column["name"] for column in sa.inspect(connection).get_columns(version_table)}:
        connection.exec_driver_sql(f"ALTER TABLE {version_table} ADD COLUMN oldest VARCHAR(32)")
    table = sa.table(version_table, sa.column("oldest"))
    noted = connection.execute(sa.select(table.c.oldest)).scalar() or ""
    connection.execute(sa.update(table).values(oldest=max(noted, *works_with)))


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
