"""What a browser does with a page: reads its form's token, and sends the form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import aiohttp

from neonpay.web.access.accounts import keep_account
from neonpay.web.access.passwords import hashed
from neonpay.web.access.roles import Role

if TYPE_CHECKING:
    from tests.integration.conftest import Shop

PASSWORD = "seven ducks on a wall"
HASH = hashed(PASSWORD)


async def admit(shop: Shop, name: str = "ann", role: Role = Role.OWNER) -> None:
    """Give somebody an account with the password of these tests."""
    assert shop.clock is not None
    await shop.neonpay.program.pipeline.ledger.run(keep_account, name, role, shop.clock.now_us(), HASH)


def browser(url: str) -> aiohttp.ClientSession:
    """What keeps cookies of an address, as browsers do."""
    return aiohttp.ClientSession(url, cookie_jar=aiohttp.CookieJar(unsafe=True))


async def form_token(http: aiohttp.ClientSession, path: str = "/") -> str:
    """The token that a form of this page holds."""
    text = await (await http.get(path)).text()
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', text)
    assert found is not None, text
    return found[1]


async def send(
    http: aiohttp.ClientSession, path: str, page: str | None = None, **fields: str
) -> aiohttp.ClientResponse:
    """Send a form as a browser does, with the token of the page that it stands on."""
    token = await form_token(http, page or path)
    return await http.post(path, data={**fields, "form_token": token}, allow_redirects=False)
