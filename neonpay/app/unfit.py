"""Surroundings in which an event loop does not work, told before anything waits for one."""

from __future__ import annotations

import sys

from neonpay.errors import ConfigurationError


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
