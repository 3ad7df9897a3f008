"""Who may come in: names with a password, and owners whom Telegram knows, by their user id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.ledger import Transaction
from neonpay.ledger.tables_access import accounts, login_links, sessions
from neonpay.web.access.roles import Role
from neonpay.web.access.visit import LOCAL

FIRST: Final = "owner"
"""The account of the link that the program prints where nobody could come in otherwise."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,31}")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may come in.

    Attributes:
        name: chosen, or a Telegram user id in digits.
        password_hash: None for those who come in by a link alone.
        language, zone: what they chose; None for what the browser asks for, and for UTC.
    """

    name: str
    role: Role
    password_hash: str | None
    language: str | None
    zone: str | None
    single_keys: bool
    made_at: datetime

    @property
    def user_id(self) -> int | None:
        """Of an owner whom Telegram knows."""
        return user_id_of(self.name)


def user_id_of(name: str) -> int | None:
    """The user id of an owner whom Telegram knows, by the name of their account; None for a name that was chosen."""
    return int(name) if name.isdecimal() else None


def is_name(name: str) -> bool:
    """Whether somebody may choose this name: 1 to 32 of a-z, 0-9, ``_``, ``.`` and ``-``, a letter first, and not ``local``."""
    return _NAME.fullmatch(name) is not None and name != LOCAL


def find_account(transaction: Transaction, name: str) -> Account | None:
    """The account of a name; a unit of work."""
    return next(iter(_found(transaction, accounts.c.name == name)), None)


def all_accounts(transaction: Transaction) -> list[Account]:
    """Every account, by name; a unit of work."""
    return _found(transaction, sa.true())


def with_password(transaction: Transaction) -> list[str]:
    """The names of those who have a password; a unit of work."""
    query = sa.select(accounts.c.name).where(accounts.c.password_hash.is_not(None)).order_by(accounts.c.name)
    return list(transaction.connection.execute(query).scalars())


def keep_account(transaction: Transaction, name: str, role: Role, at_us: int, password_hash: str | None = None) -> None:
    """Make an account, or give the one of this name this role and, if there is one, this password; a unit of work."""
    values: dict[str, object] = {"role": role.word, "changed_at": at_us}
    if password_hash is not None:
        values["password_hash"] = password_hash
    changed = sa.update(accounts).where(accounts.c.name == name).values(values)
    if transaction.connection.execute(changed).rowcount == 0:
        new = {"name": name, "made_at": at_us, "single_keys": True, **values}
        transaction.connection.execute(sa.insert(accounts).values(new))


def choose(
    transaction: Transaction,
    name: str,
    at_us: int,
    *,
    language: str | None,
    zone: str | None,
    single_keys: bool,
) -> None:
    """Keep how somebody wants the pages; a unit of work. Nobody becomes an account by it but whoever sits at the machine."""
    if name == LOCAL and find_account(transaction, name) is None:
        keep_account(transaction, name, Role.OWNER, at_us)
    chosen = {"language": language, "zone": zone, "single_keys": single_keys, "changed_at": at_us}
    transaction.connection.execute(sa.update(accounts).where(accounts.c.name == name).values(chosen))


def remove_account(transaction: Transaction, name: str) -> bool:
    """Take an account away, with all that it is signed in with; whether it was there. A unit of work."""
    # Sessions and links go for good: the name may come back, and then means somebody who has to sign in.
    for entered_by in (sessions, login_links):
        transaction.connection.execute(sa.delete(entered_by).where(entered_by.c.account == name))
    return transaction.connection.execute(sa.delete(accounts).where(accounts.c.name == name)).rowcount > 0


def _found(transaction: Transaction, which: sa.ColumnElement[bool]) -> list[Account]:
    columns = ("name", "role", "password_hash", "language", "zone", "single_keys", "made_at")
    query = sa.select(*(accounts.c[each] for each in columns)).where(which).order_by(accounts.c.name)
    return [Account(name, Role.named(role), *rest) for name, role, *rest in transaction.connection.execute(query).all()]
