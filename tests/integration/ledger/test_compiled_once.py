"""How often SQLAlchemy puts a statement into words; in a program of its own, since the tests share theirs."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import asyncio, sys, threading
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from neonpay.ledger import open_ledger

class Spelt(FunctionElement):
    inherit_cache = True

times, threads, met = [], set(), threading.Barrier(2)

@compiles(Spelt)
def spell(element, compiler, **options):
    times.append(1)
    return "1"

def ask(transaction):
    return transaction.connection.execute(sa.select(Spelt())).scalar()

def ask_beside_another(transaction):
    threads.add(threading.get_ident())
    met.wait(timeout=60)
    return ask(transaction)

async def main():
    ledger = open_ledger(sys.argv[1])
    await ledger.open()
    await ledger.read(ask)
    await asyncio.gather(ledger.read(ask_beside_another), ledger.read(ask_beside_another))
    await ledger.run(ask)
    await ledger.close()

asyncio.run(main())
print(len(threads), "threads", len(times), "times")
"""


def test_a_statement_is_compiled_once_for_all_threads_of_a_ledger(sqlite_url: str) -> None:
    command = [sys.executable, "-c", _PROGRAM, sqlite_url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "2 threads 1 times\n"
