"""The shops of the integration tests, for handlers and hooks that mean harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import clock, open_shop, query, telegram

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop

__all__ = ["clock", "open_shop", "query", "telegram"]


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    """These tests move the clock by hours to see the next attempt, and nobody's lease is to be over by that."""
    return open_shop(lease_s=365 * 86_400)
