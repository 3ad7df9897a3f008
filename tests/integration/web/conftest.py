"""The pages of a real shop, served on this machine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest

from neonpay.web import create_dashboard_app, serving
from tests.integration.registry.conftest import place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.integration.conftest import Shop

    Served = Callable[..., AbstractAsyncContextManager[aiohttp.ClientSession]]

__all__ = ["place"]


@pytest.fixture
def served(shop: Shop) -> Served:
    """Serves the pages of the shop inside a block; what asks for them. Pages wait for as long as a busy machine needs."""

    @asynccontextmanager
    async def served(**options: object) -> AsyncIterator[aiohttp.ClientSession]:
        async with (
            serving(create_dashboard_app(shop.neonpay, **{"patience_s": 60.0, **options}), port=0) as url,  # type: ignore[arg-type]
            aiohttp.ClientSession(url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
        ):
            yield session

    return served
