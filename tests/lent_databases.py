"""PostgreSQL databases that one test after the other is lent: to copy one for each costs more than most tests do.

What a test leaves in one is taken out, and one whose tables are no longer those of its template is dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import asyncpg
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from neonpay.testing.postgres import PostgresServer

_T = TypeVar("_T")

# So many rest before one is lent again, so that what a test left running has ended by then.
_RESTING = 3

_OWN = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
_SHAPE = f"""
SELECT md5(concat(
  (SELECT string_agg(n.nspname, ',' ORDER BY n.nspname) FROM pg_namespace n WHERE {_OWN}),
  (SELECT string_agg(concat_ws(' ', n.nspname, c.relname, c.relkind, c.relowner, c.relacl), ',' ORDER BY n.nspname, c.relname)
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN}),
  (SELECT string_agg(concat_ws(' ', n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull, a.atthasdef), ','
            ORDER BY n.nspname, c.relname, a.attnum)
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN}),
  (SELECT string_agg(concat_ws(' ', n.nspname, p.proname, md5(p.prosrc)), ',' ORDER BY p.oid)
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OWN}),
  (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_extension),
  (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting)
))
"""  # noqa: S608 - of our own words
_LEAVE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES = f"""
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND {_OWN} ORDER BY 1
"""  # noqa: S608
# Few rows are deleted several times as fast as a table is cut off; what piles up by that is cut off in the end.
_EMPTY = f"""
DO $$
DECLARE name text; used boolean; large text[] := '{{}}';
BEGIN
  FOR name IN {_TABLES} LOOP
    EXECUTE 'SELECT EXISTS (SELECT 1 FROM ' || name || ')' INTO used;
    IF pg_relation_size(name) > 400000 THEN large := large || name;
    ELSIF used THEN EXECUTE 'DELETE FROM ' || name;
    END IF;
  END LOOP;
  IF cardinality(large) > 0 THEN
    EXECUTE 'TRUNCATE ' || array_to_string(large, ', ') || ' CASCADE';
  END IF;
  FOR name IN SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences WHERE last_value IS NOT NULL LOOP
    EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
  END LOOP;
END $$
"""  # noqa: S608


class _Template(NamedTuple):
    """What a copy of a database has to look like.

    Attributes:
        shape: digest of its tables.
        rows: tables that are not empty, with their rows as JSON.
    """

    shape: str
    rows: dict[str, str]


class LentDatabases:
    """The databases of one server that tests are lent; blocking, with or without a running event loop."""

    def __init__(self, server: PostgresServer) -> None:
        """None exists yet."""
        self._server = server
        self._templates: dict[str, _Template] = {}
        self._resting: dict[str, deque[str]] = {}

    @contextmanager
    def lent(self, template: str | None) -> Iterator[str]:
        """For the block, the URL of a database that nobody else uses: a copy of ``template``, or an empty one."""
        if template is None:
            url = self._server.create_database()
            yield url
            self._server.drop_database(url)
            return
        if template not in self._templates:
            self._templates[template] = _awaited(_template(template))
        resting = self._resting.setdefault(template, deque())
        url = resting.popleft() if len(resting) >= _RESTING else self._server.create_database(template=template)
        yield url
        if _awaited(_is_as_before(url, self._templates[template])):
            resting.append(url)
        else:
            self._server.drop_database(url)


async def _template(url: str) -> _Template:
    connection = await _connected(url)
    try:
        names = [row[0] for row in await connection.fetch(_TABLES)]
        rows = {
            # The names come from the catalogue, quoted.
            name: await connection.fetchval(f"SELECT json_agg(t) FROM {name} t")  # noqa: S608
            for name in names
        }
        return _Template(await connection.fetchval(_SHAPE), {name: there for name, there in rows.items() if there})
    finally:
        await connection.close()


async def _is_as_before(url: str, template: _Template) -> bool:
    """Everybody has left the database, and it has the rows of its template, or False because it has other tables."""
    connection = await _connected(url)
    try:
        await connection.execute(_LEAVE)
        if await connection.fetchval(_SHAPE) != template.shape:
            return False
        await connection.execute(_EMPTY)
        for name, rows in template.rows.items():
            await connection.execute(
                f"INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, $1)",  # noqa: S608
                rows,
            )
    finally:
        await connection.close()
    return True


async def _connected(url: str) -> asyncpg.Connection:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return await asyncpg.connect(plain, statement_cache_size=0)


def _awaited(coroutine: Coroutine[object, object, _T]) -> _T:
    # In a thread, because the test may have a running event loop.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
