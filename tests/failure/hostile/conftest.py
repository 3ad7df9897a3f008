"""The shops of the integration tests, for handlers and hooks that mean harm."""

from __future__ import annotations

from tests.integration.conftest import clock, open_shop, query, shop, telegram

__all__ = ["clock", "open_shop", "query", "shop", "telegram"]
