"""``run_analytics_server``, where the guide imports it from."""

from __future__ import annotations

from neonpay.collection.server import run_analytics_server

__all__ = ["run_analytics_server"]
