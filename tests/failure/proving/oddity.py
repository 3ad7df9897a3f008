"""A handler that does with some payments what no handler should."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from neonpay import PaymentResult

EFFECTS = sa.table("shop_effects", sa.column("what"), sa.column("charge_id"))
_SHARE = 10
_MISDEEDS = ("commit", "rollback", "raw commit", "raw rollback", "NUL", "surrogate", "exit", "data")


def misdeed(charge_id: str) -> str | None:
    """What the handler does with this charge; None for the nine of ten with which it does as it should."""
    number = int.from_bytes(hashlib.sha256(charge_id.encode()).digest()[:4], "big")
    return _MISDEEDS[number // _SHARE % len(_MISDEEDS)] if number % _SHARE == 0 else None


def be_odd(result: PaymentResult, connection: sa.Connection) -> None:
    """Write that the payment was seen, and do with some of them whatever undoes others' work, or cannot be written down."""
    charge_id = result.transaction_id or ""
    connection.execute(sa.insert(EFFECTS).values(what="odd", charge_id=charge_id))
    match misdeed(charge_id):
        case "commit":
            connection.commit()
        case "rollback":
            connection.rollback()
        case "raw commit":
            connection.exec_driver_sql("COMMIT")
        case "raw rollback":
            connection.exec_driver_sql("ROLLBACK")
        case "NUL":
            raise RuntimeError("nothing\0more")
        case "surrogate":
            raise RuntimeError("half \ud83d of a face")
        case "exit":
            raise SystemExit(3)
        case "data":
            connection.execute(sa.text("SELECT no_such_column FROM shop_effects"))
        case None:
            pass
