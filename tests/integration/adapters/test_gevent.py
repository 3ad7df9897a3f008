"""A process whose threads gevent has replaced is told so before anything waits."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

PROGRAM = """
import sys
from gevent import monkey
monkey.patch_all()
from neonpay import ConfigurationError, create_neonpay
try:
    create_neonpay("1234:abc", database_url=sys.argv[1])
except ConfigurationError as error:
    print(error)
"""

LATE = """
import asyncio, sys
from neonpay import ConfigurationError, create_neonpay
neonpay = create_neonpay("1234:abc", database_url=sys.argv[1])
from gevent import monkey
monkey.patch_all()
try:
    asyncio.run(neonpay.setup())
except ConfigurationError as error:
    print(error)
"""


async def _printed(program: str, url: str) -> str:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-c", program, url), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await running.communicate()
    return out.decode()


async def test_it_is_refused_with_what_to_write(tmp_path: Path) -> None:
    for program in (PROGRAM, LATE):
        words = await _printed(program, f"sqlite:///{tmp_path / 'shop.db'}")
        assert "gevent has replaced the threads" in words
        assert "--worker-class gthread" in words
