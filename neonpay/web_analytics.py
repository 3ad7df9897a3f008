"""``run_analytics_server``, where the guide imports it from."""

from __future__ import annotations

from neonpay.collection.serving import run_analytics_server

__all__ = ["run_analytics_server"]
