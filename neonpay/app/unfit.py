"""Surroundings in which an event loop does not work, told before anything waits for one."""

from __future__ import annotations

import sys

from neonpay.app.starting import runs_tests
from neonpay.errors import ConfigurationError
from neonpay.ledger.memory import KEEPS_NOTHING_URL, MEMORY_URL


def refuse_unfit() -> None:
    """Refuse a process whose threads gevent has replaced: an event loop in one of them would stop all the others.

    Raises:
        ConfigurationError: with what to write instead.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        msg = (
            "gevent has replaced the threads of this process, and neonpay needs real ones; run gunicorn with "
            "--worker-class gthread, or leave gevent.monkey.patch_all() out of the process that sells"
        )
        raise ConfigurationError(msg)


def refuse_forgetting(database_url: str) -> None:
    """Refuse a ledger of which nothing is kept in a program that runs no tests, unless it is asked for in as many words.

    Raises:
        ConfigurationError: with what to write instead.
    """
    if database_url == MEMORY_URL and not runs_tests():
        msg = (
            f'database_url="{MEMORY_URL}" is for tests: payments would be lost with the process; give a file, '
            f'"sqlite:///shop.db", or write "{KEEPS_NOTHING_URL}" to try something out against the simulator'
        )
        raise ConfigurationError(msg)
