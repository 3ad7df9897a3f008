"""A centre: ``python centre.py PORT SECRET DATABASE_URL``."""

from __future__ import annotations

import asyncio
import sys

from neonpay.web_analytics import run_analytics_server

if __name__ == "__main__":
    _, port, secret, database_url = sys.argv
    asyncio.run(
        run_analytics_server(host="127.0.0.1", port=int(port), webhook_secret=secret, database_url=database_url)
    )
