"""Who remembers: one unit of work, one set of tables, two engines.

A unit of work is a plain function over a ``Transaction``; it may run more than once and is kept whole or not at all.
"""

from __future__ import annotations

from neonpay.ledger.extension_tables import ExtensionTables
from neonpay.ledger.inserts import Inserts
from neonpay.ledger.open import open_ledger
from neonpay.ledger.statement import Among, Insert, Statement
from neonpay.ledger.unit import Ledger, Transaction

__all__ = ["Among", "ExtensionTables", "Insert", "Inserts", "Ledger", "Statement", "Transaction", "open_ledger"]
