"""From a database URL to a ledger."""

from __future__ import annotations

import importlib
from pathlib import Path

import sqlalchemy as sa

from neonpay.core.clock import Clock, SystemClock
from neonpay.errors import ConfigurationError
from neonpay.installing import install_line
from neonpay.ledger.faults import server_of
from neonpay.ledger.memory import MEMORY_URL, Memory, is_memory
from neonpay.ledger.sqlite import SqliteLedger
from neonpay.ledger.unit import Ledger

_TIMEOUT_MOST_S = 86_400.0


def open_ledger(
    database_url: str,
    *,
    clock: Clock | None = None,
    busy_timeout_s: float = 10.0,
    as_it_is: bool = False,
    pool_size: int | None = None,
    memory: Memory | None = None,
) -> Ledger:
    """The ledger of a database URL, not opened yet: ``open`` or the first unit does that.

    Args:
        database_url: ``sqlite:///shop.db`` (relative), ``sqlite:////var/lib/shop.db`` (absolute; ``?mode=ro`` to only read,
            ``?timeout=5`` to wait so many seconds for another process that writes) or
            ``postgresql://user:password@host/database`` (``?prepared_statements=off`` behind a pooler in transaction mode;
            ``connect_timeout``, ``command_timeout`` and ``pool_timeout`` in seconds; ``pool_size``, ``sslmode``,
            ``sslrootcert`` and ``application_name``). ``memory:`` is for tests, and nothing of it is kept.
        clock: where the time comes from; the system's when left out.
        busy_timeout_s: how long a SQLite write waits for another process.
        pool_size: connections to PostgreSQL that the process keeps at most; what the URL says, else eight, when left out.
        memory: the database that ``memory:`` means; one of this ledger's own when left out.
        as_it_is: neither make nor upgrade the tables; opening raises a LedgerError unless they have this release's shape.

    Raises:
        ConfigurationError: no engine serves the URL, its driver is not installed, or ``pool_size`` is given where nothing
            pools or is another than the URL's; the message never shows the URL.
    """
    clock = clock or SystemClock()
    if is_memory(database_url):
        if as_it_is:
            msg = f"{MEMORY_URL} is a ledger of one program alone; give the URL of a database that is kept"
            raise ConfigurationError(msg)
        return (memory or Memory()).ledger(clock=clock, busy_timeout_s=busy_timeout_s)
    try:
        url = sa.make_url(database_url)
    except (sa.exc.ArgumentError, ValueError):
        msg = 'database_url is not a URL; write "sqlite:///shop.db" or "postgresql://user:password@host/database"'
        if str(database_url).lower().startswith("memory"):
            msg += f'; the ledger in memory, for tests, is "{MEMORY_URL}"'
        # Not "from" SQLAlchemy's error, which may show a part of the URL, and so of its password.
        raise ConfigurationError(msg) from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        if url.database is None or url.database in {"", ":memory:"}:
            msg = (
                'payments in memory are lost with the process; give database_url a file: "sqlite:///shop.db"; for tests '
                f'there is "{MEMORY_URL}"'
            )
            raise ConfigurationError(msg)
        if pool_size is not None or "pool_size" in url.query:
            msg = (
                "pool_size is for PostgreSQL; SQLite has one writer and no pool: leave out pool_size, NEONPAY_POOL_SIZE and "
                "?pool_size= of the URL"
            )
            raise ConfigurationError(msg)
        return SqliteLedger(
            Path(url.database),
            clock=clock,
            busy_timeout_s=_timeout_s(url, busy_timeout_s),
            read_only=_only_reads(url),
            as_it_is=as_it_is,
        )
    if backend in {"postgresql", "postgres"}:
        try:
            # What SQLAlchemy itself says of a missing greenlet it says at its first import only, and fails in use afterwards.
            importlib.import_module("greenlet")
            from neonpay.ledger.postgresql import PostgresqlLedger  # an extra
        except ImportError as exc:
            msg = f"PostgreSQL needs its driver; run: {install_line('postgres')}"
            raise ConfigurationError(msg) from exc
        url = _with_pool_size(url, pool_size)
        return PostgresqlLedger(url.set(drivername="postgresql+asyncpg"), clock=clock, as_it_is=as_it_is)
    msg = f'no ledger for {backend!r}; database_url must start with "sqlite:///" or "postgresql://"'
    raise ConfigurationError(msg)


def _timeout_s(url: sa.URL, otherwise_s: float) -> float:
    said = url.query.get("timeout")
    if said is None:
        return otherwise_s
    try:
        timeout_s = float(str(said))
    except ValueError:
        timeout_s = -1.0
    if not 0 <= timeout_s < _TIMEOUT_MOST_S:
        msg = "timeout in database_url is a number of seconds, 0 or more"
        raise ConfigurationError(msg)
    return timeout_s


def _only_reads(url: sa.URL) -> bool:
    mode = url.query.get("mode", "rwc")
    if mode not in {"ro", "rw", "rwc"}:
        msg = f"mode in database_url is {mode!r}; write ?mode=ro to only read, and leave it out to write"
        raise ConfigurationError(msg)
    return mode == "ro"


def _with_pool_size(url: sa.URL, pool_size: int | None) -> sa.URL:
    if pool_size is None:
        return url
    said = url.query.get("pool_size")
    if said is not None and said != str(pool_size):
        msg = f"pool_size is {pool_size}, and database_url says {said}; leave ?pool_size= out of the URL"
        raise ConfigurationError(msg)
    return url.update_query_dict({"pool_size": str(pool_size)})


def place_of(database_url: str) -> str:
    """Which database a valid URL names, without user and password: a file's path, server and database, or "memory"."""
    if is_memory(database_url):
        return "memory"
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return str(Path(str(url.database)).absolute())
    return server_of(url)
