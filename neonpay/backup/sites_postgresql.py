"""A ledger is made in PostgreSQL by transactions of its own, in a schema that no program looks into."""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from itertools import chain
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Final, TypeVar

import sqlalchemy as sa

from neonpay.backup.swap_postgresql import in_one_transaction, may_make_schemas
from neonpay.core.clock import Clock
from neonpay.errors import LedgerError, RestoreRefusedError
from neonpay.ledger import Transaction
from neonpay.ledger.connecting import Connecting

T = TypeVar("T")

logger = logging.getLogger("neonpay.backup")

_AT_A_TIME: Final = 2
"""A server works for a connection with one process, and has at least two processors where this is felt."""
_PREFIX: Final = "neonpay_restoring_"
_LEFT: Final = sa.text(
    "SELECT nspname FROM pg_namespace WHERE nspname ~ '^neonpay_restoring_[0-9a-f]{8}$'"
    " AND pg_get_userbyid(nspowner) = current_user"
)
_PID: Final = sa.text("SELECT pg_backend_pid()")
_PATH: Final = sa.text("SELECT set_config('search_path', :path, true)")
_SCHEMA: Final = sa.text("SELECT current_schema()")
_GIVEN: Final = sa.text(
    "SELECT one.privilege_type, CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(one.grantee)) END"
    " FROM pg_default_acl JOIN pg_namespace ON pg_namespace.oid = defaclnamespace, aclexplode(defaclacl) AS one"
    " WHERE nspname = :schema"
    " AND pg_get_userbyid(defaclrole) = current_user AND defaclobjtype = 'r'"
)

_THERE: Final[Mapping[str, sa.TextClause]] = MappingProxyType(
    {
        "TYPE": sa.text(
            "SELECT quote_ident(typname) FROM pg_type JOIN pg_namespace ON pg_namespace.oid = typnamespace"
            " WHERE nspname = :schema AND typtype IN ('d', 'e')"
        ),
        "TABLE": sa.text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = :schema"),
        "VIEW": sa.text("SELECT quote_ident(viewname) FROM pg_views WHERE schemaname = :schema"),
    }
)
"""What may be made there, by the word that moves it: sequences go along with their tables."""


class InSteps:
    """Each step is a transaction, and what may be done together is done on several connections.

    Attributes:
        pids: processes of the server that have worked for it, some of which may not have ended yet.
    """

    def __init__(
        self, url: sa.URL, clock: Clock, connecting: Connecting | None = None, *, schema: str | None = None
    ) -> None:
        self._url = url
        self._clock = clock
        self._connecting = connecting
        self._schema = schema
        self.pids: set[int] = set()

    def step(self, unit: Callable[[Transaction], T]) -> T:
        """As ``Site`` has it."""

        def here(transaction: Transaction) -> T:
            self.pids.add(int(transaction.connection.execute(_PID).scalar_one()))
            if self._schema is not None:
                transaction.connection.execute(_PATH, {"path": self._schema})
            return unit(transaction)

        return in_one_transaction(self._url, here, self._clock, self._connecting)

    def together(self, units: Sequence[Callable[[Transaction], T]]) -> list[T]:
        """As ``Site`` has it; those that are named first are begun first."""
        waiting: SimpleQueue[tuple[int, Callable[[Transaction], T]]] = SimpleQueue()
        for one in enumerate(units):
            waiting.put(one)
        let_in: set[int] = set()

        def work(place: int) -> list[tuple[int, T]]:
            def some(transaction: Transaction) -> list[tuple[int, T]]:
                let_in.add(place)
                try:
                    return [(number, unit(transaction)) for number, unit in _left(waiting)]
                except BaseException:
                    deque(_left(waiting), maxlen=0)  # the others end as well
                    raise

            return self.step(some)

        with ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="neonpay-restore") as pool:
            each = [pool.submit(work, place) for place in range(_AT_A_TIME)]
            try:
                wait(each)
            except BaseException:
                deque(_left(waiting), maxlen=0)
                raise
        # One that was not let in, since there may be no more connections, is missed by nobody.
        order = sorted(range(_AT_A_TIME), key=lambda place: place not in let_in)
        failed = [error for error in (each[place].exception() for place in order) if error is not None]
        found = dict(chain.from_iterable(one.result() for one in each if one.exception() is None))
        if len(found) < len(units):
            raise failed[0]
        return [found[number] for number in range(len(units))]

    def reading(self, units: Sequence[Callable[[Transaction], T]]) -> list[T]:
        """As ``Site`` has it."""
        return self.together(units)


@contextmanager
def in_new_schema(
    url: sa.URL, clock: Clock, look: Callable[[Transaction, Collection[int]], None]
) -> Iterator[NewSchema | None]:
    """A schema with nothing in it, which is gone when the block raises; None where the user of the database may not make one.

    One that somebody was killed in is gone as well. Call it from a thread without an event loop.

    Args:
        look: refuses by what is in the database, given which processes of the server are our own.

    Raises:
        LedgerError: the database did not do it; and what ``look`` raises.
    """

    def made(transaction: Transaction) -> str | None:
        connection = transaction.connection
        look(transaction, ())
        if not may_make_schemas(connection):
            return None
        # Nobody else works on this database, so that nobody is at work in these.
        for left in list(connection.execute(_LEFT).scalars()):
            connection.exec_driver_sql(f"DROP SCHEMA {left} CASCADE")
        name = f"{_PREFIX}{secrets.token_hex(4)}"
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        given = connection.execute(_GIVEN, {"schema": connection.execute(_SCHEMA).scalar_one()}).all()
        for privilege, grantee in given:
            connection.exec_driver_sql(
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT {privilege} ON TABLES TO {grantee}"
            )
        return name

    name = in_one_transaction(url, made, clock)
    if name is None:
        yield None
        return
    try:
        yield NewSchema(url, clock, schema=name)
    except BaseException:
        try:
            in_one_transaction(url, lambda transaction: _drop(transaction, name), clock)
        except LedgerError as exc:
            logger.warning("the schema %s, which the next restore removes, could not be dropped: %s", name, exc)
        raise


class NewSchema(InSteps):
    """A schema in which a ledger is made, and out of which it is taken."""

    def __init__(self, url: sa.URL, clock: Clock, *, schema: str) -> None:
        super().__init__(url, clock, schema=schema)
        self._name = schema

    def take_out(self, transaction: Transaction, aside: str | None) -> None:
        """The unit of work after which what is in the schema is where the connection's own tables are, and it is gone.

        Args:
            aside: the schema in which the tables are that were there; types of theirs go there, whose names are needed.

        Raises:
            RestoreRefusedError: something of somebody else's has such a name.
        """
        connection = transaction.connection
        quote = connection.dialect.identifier_preparer.quote
        schema = connection.execute(_SCHEMA).scalar_one()
        own = quote(schema)
        for kind, names in _THERE.items():
            there = connection.execute(names, {"schema": schema}).scalars().all()
            for name in list(connection.execute(names, {"schema": self._name}).scalars()):
                if name in there:
                    if kind != "TYPE" or aside is None:
                        what = f"the database has a {kind.lower()} {name}, which is not the ledger's"
                        msg = f"{what}; rename it, and restore again"
                        raise RestoreRefusedError(msg)
                    connection.exec_driver_sql(f"ALTER {kind} {own}.{name} SET SCHEMA {quote(aside)}")
                connection.exec_driver_sql(f"ALTER {kind} {self._name}.{name} SET SCHEMA {own}")
        connection.exec_driver_sql(f"DROP SCHEMA {self._name}")  # fails where something is left that nobody knows of


def _left(waiting: SimpleQueue[T]) -> Iterator[T]:
    with suppress(Empty):
        while True:
            yield waiting.get_nowait()


def _drop(transaction: Transaction, name: str) -> None:
    transaction.connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")
