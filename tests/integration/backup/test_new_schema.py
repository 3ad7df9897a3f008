"""In PostgreSQL a ledger is made in a schema of its own, and nobody sees anything of that afterwards."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import sqlalchemy as sa

from neonpay.backup import copy_statement, restoring
from neonpay.backup.copy_statement import PART_BYTES
from neonpay.backup.swap_postgresql import in_one_transaction
from neonpay.core.clock import SystemClock
from neonpay.errors import BackupError, LedgerError, RestoreRefusedError
from neonpay.ledger import ExtensionTables, open_ledger
from neonpay.ledger.extension_tables import bring_up
from neonpay.testing.postgres import PostgresServer
from tests.integration.backup.conftest import BOT, Kit, rows_in, schemas_of_restores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from neonpay.ledger import Transaction

PARCELS = sa.Table(
    "neonpay_ext_post_parcels",
    sa.MetaData(),
    sa.Column("bot_id", sa.BigInteger, primary_key=True),
    sa.Column("size", sa.Enum("small", "large", name="parcel_size")),
)
POST = ExtensionTables(name="post", package="neonpay-post", metadata=PARCELS.metadata)


def asked(kit: Kit, url: str, query: str, **values: object) -> list[Any]:
    return list(
        kit.run(url, lambda transaction: transaction.connection.execute(sa.text(query), values).scalars().all())
    )


def say(url: str, statement: str) -> None:
    """In a database that may have no ledger."""
    PostgresServer(url).execute(statement)


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens when a ledger has been made and not been put in its place."""
    settle = restoring.settle

    def then_settle(*values: Any, **options: Any) -> Any:
        happens()
        return settle(*values, **options)

    monkeypatch.setattr(restoring, "settle", then_settle)


class Session:
    """One connection, for what a session keeps."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._raw = self._loop.run_until_complete(
            asyncpg.connect(sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
        )

    def __call__(self, statement: str) -> None:
        self._loop.run_until_complete(self._raw.execute(statement))

    def close(self) -> None:
        self._loop.run_until_complete(self._raw.close())
        self._loop.close()


@pytest.fixture
def role(postgres_server: PostgresServer) -> Iterator[str]:
    name = f"neonpay_test_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'hush'")
    yield name
    postgres_server.execute(f"DROP ROLE {name}")


@pytest.fixture
def empty_url(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.mark.parametrize("form", ["json", "postgresql"])
def test_nothing_of_it_is_left(kit: Kit, postgres_url: str, form: str) -> None:
    kit.fill(postgres_url)
    made = kit.save(postgres_url, form=form)
    kit.restore(made.backup_id, postgres_url)
    assert not schemas_of_restores(kit, postgres_url)
    views = asked(kit, postgres_url, "SELECT count(*) FROM neonpay_v1_payments")
    assert views == [3]


def test_every_index_and_constraint_is_there_again(kit: Kit, postgres_url: str, empty_url: str) -> None:
    made = kit.save(postgres_url, form="postgresql")
    kit.restore(made.backup_id, empty_url)
    for query in (
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",
        "SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT definition FROM pg_views WHERE schemaname = 'public' ORDER BY viewname",
    ):
        assert asked(kit, empty_url, query) == asked(kit, postgres_url, query) != []


def test_what_fails_leaves_nothing_of_it(kit: Kit, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.fill(postgres_url)
    made = kit.save(postgres_url)
    before = rows_in(postgres_url)

    def fail() -> None:
        raise BackupError("not now")

    meanwhile(monkeypatch, fail)
    with pytest.raises(BackupError, match="not now"):
        kit.restore(made.backup_id, postgres_url)
    assert rows_in(postgres_url) == before
    assert not schemas_of_restores(kit, postgres_url)


def test_of_two_at_once_the_second_is_refused_and_takes_nothing_from_the_first(
    kit: Kit, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.fill(postgres_url)
    made = kit.save(postgres_url)
    others: list[BaseException | None] = []

    def begin_another() -> None:
        with ThreadPoolExecutor(1) as pool:
            others.append(pool.submit(kit.restore, made.backup_id, postgres_url).exception())

    meanwhile(monkeypatch, begin_another)
    assert kit.restore(made.backup_id, postgres_url).kept is not None
    assert [type(error) for error in others] == [RestoreRefusedError]
    assert not schemas_of_restores(kit, postgres_url)


def test_who_comes_in_meanwhile_keeps_it_from_being_swapped(
    kit: Kit, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.fill(postgres_url)
    made = kit.save(postgres_url)
    before = rows_in(postgres_url)
    running = open_ledger(postgres_url)
    meanwhile(monkeypatch, running.open_sync)
    try:
        with pytest.raises(RestoreRefusedError, match=f"then run: neonpay backup restore {made.backup_id}"):
            kit.restore(made.backup_id, postgres_url)
    finally:
        running.close_sync()
    assert rows_in(postgres_url) == before
    assert not schemas_of_restores(kit, postgres_url)


@pytest.mark.parametrize("by_rows", [False, True])
def test_a_server_that_ends_the_connection_while_it_is_filled_is_told_of(postgres_url: str, *, by_rows: bool) -> None:
    """The driver, which may write no more for the time being, would wait for ever to be let."""
    say(postgres_url, "CREATE TABLE slow (words TEXT)")
    say(
        postgres_url,
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END'",
    )
    say(postgres_url, "CREATE TRIGGER waits BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION wait()")
    given = 0

    def parts() -> Iterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b"x" * PART_BYTES + b"\n"

    def fill(transaction: Transaction) -> None:
        if by_rows:
            copy_statement.rows_in(transaction.connection, "slow", ["words"], ([part.decode()] for part in parts()))
        else:
            copy_statement.copied_in(transaction.connection, "slow", ["words"], parts(), is_new=False)

    url = sa.make_url(postgres_url).set(drivername="postgresql+asyncpg")
    with closing(Session(postgres_url)) as beside, ThreadPoolExecutor(1) as pool:
        beside("SELECT pg_advisory_lock(7)")
        filling = pool.submit(in_one_transaction, url, fill, SystemClock())
        # Once it is not let write any more it gives nothing, however often one looks.
        seen, same = 0, 0
        while not given or same < 200:
            beside("SELECT count(*) FROM pg_stat_activity")
            seen, same = given, same + 1 if given == seen else 0
        beside("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'advisory'")
        with pytest.raises(LedgerError):
            filling.result()


def test_who_may_make_no_schema_restores_into_an_empty_database(
    kit: Kit, postgres_url: str, postgres_server: PostgresServer, empty_url: str, role: str
) -> None:
    kit.fill(postgres_url)
    made = kit.save(postgres_url)
    say(empty_url, f"GRANT ALL ON SCHEMA public TO {role}")
    little = sa.make_url(empty_url).set(username=role, password="hush")
    kit.restore(made.backup_id, little.render_as_string(hide_password=False))
    assert len(rows_in(empty_url)["neonpay_payments"]) == 3
    grant = f"GRANT CREATE ON DATABASE {sa.make_url(empty_url).database} TO {role}"
    with pytest.raises(RestoreRefusedError, match=f"run: {grant};"):
        kit.restore(made.backup_id, little.render_as_string(hide_password=False))
    say(empty_url, grant)
    kit.restore(made.backup_id, little.render_as_string(hide_password=False))
    say(empty_url, f"REASSIGN OWNED BY {role} TO CURRENT_USER")
    say(empty_url, f"DROP OWNED BY {role}")


def test_who_may_have_one_connection_does_with_that(
    kit: Kit, postgres_url: str, postgres_server: PostgresServer, empty_url: str, role: str
) -> None:
    kit.fill(postgres_url)
    made = kit.save(postgres_url)
    name = sa.make_url(empty_url).database
    postgres_server.execute(f"ALTER ROLE {role} CONNECTION LIMIT 1", f"ALTER DATABASE {name} OWNER TO {role}")
    little = sa.make_url(empty_url).set(username=role, password="hush")
    kit.restore(made.backup_id, little.render_as_string(hide_password=False))
    assert len(rows_in(empty_url)["neonpay_payments"]) == 3
    say(empty_url, f"REASSIGN OWNED BY {role} TO CURRENT_USER")
    say(empty_url, f"DROP OWNED BY {role}")


def test_who_is_let_read_what_is_made_there_is_let_read_it(kit: Kit, postgres_url: str, role: str) -> None:
    made = kit.save(postgres_url)
    say(postgres_url, f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {role}")
    kit.restore(made.backup_id, postgres_url)
    for name in ("neonpay_payments", "neonpay_v1_payments"):
        assert asked(kit, postgres_url, "SELECT has_table_privilege(:role, :name, 'SELECT')", role=role, name=name) == [
            True
        ]
    say(postgres_url, f"DROP OWNED BY {role}")


@pytest.mark.parametrize("has_ledger", [True, False])
def test_what_is_somebody_elses_stays_where_it_is(
    kit: Kit, postgres_url: str, empty_url: str, *, has_ledger: bool
) -> None:
    letters = sa.Table("letters", sa.MetaData(), sa.Column("bot_id", sa.BigInteger, primary_key=True))
    mail = ExtensionTables(name="mail", package="neonpay-mail", metadata=letters.metadata)

    def write(transaction: Transaction) -> None:
        bring_up(transaction, mail)
        transaction.connection.execute(sa.insert(letters), [{"bot_id": BOT}])

    kit.run(postgres_url, write)
    made = kit.save(postgres_url)
    if has_ledger:
        kit.make(empty_url)
    say(empty_url, "CREATE TABLE letters AS SELECT 'dear'::text AS words")
    with pytest.raises(RestoreRefusedError, match="has a table letters, which is not the ledger's; rename it"):
        kit.restore(made.backup_id, empty_url, extensions=[mail])
    assert asked(kit, empty_url, "SELECT words FROM public.letters") == ["dear"]
    assert not schemas_of_restores(kit, empty_url)


def test_a_type_that_an_extension_made_is_where_its_table_is(kit: Kit, postgres_url: str) -> None:
    def post(transaction: Transaction) -> None:
        bring_up(transaction, POST)
        transaction.connection.execute(sa.insert(PARCELS), [{"bot_id": BOT, "size": "large"}])

    kit.run(postgres_url, post)
    made = kit.save(postgres_url)
    for _ in range(2):
        kit.restore(made.backup_id, postgres_url, extensions=[POST])
        query = "SELECT count(*) FROM neonpay_ext_post_parcels WHERE size = 'large'::parcel_size"
        assert asked(kit, postgres_url, query) == [1]
