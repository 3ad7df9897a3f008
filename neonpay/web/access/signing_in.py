"""Coming in by a password or by a link, and going out."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from neonpay.core.clock import microseconds, moment
from neonpay.core.jsontext import JsonObject
from neonpay.core.text import error_words
from neonpay.errors import TelegramError, TelegramUnreachableError
from neonpay.ledger import Ledger, Transaction
from neonpay.web.access.accounts import Account, find_account, keep_account, with_password
from neonpay.web.access.audit import write_act
from neonpay.web.access.cookies import digest, rotate
from neonpay.web.access.door import door
from neonpay.web.access.entrance import ENTER
from neonpay.web.access.links import keep_link, use_link
from neonpay.web.access.passwords import is_right
from neonpay.web.access.peer import address, is_secure, own_authority
from neonpay.web.access.roles import Role
from neonpay.web.access.sessions import open_session
from neonpay.web.access.tries import (
    ACCOUNT_TRIES,
    ADDRESS_TRIES,
    MESSAGE_TRIES,
    MESSAGE_WINDOW,
    WINDOW,
    forget_tries,
    tries_left,
)
from neonpay.web.access.visit import Viewer
from neonpay.web.mount import prefix
from neonpay.web.shops import shops

if TYPE_CHECKING:
    from aiohttp import web

    from neonpay.app import NeonPayCore
    from neonpay.web.speech import Speech

logger = logging.getLogger("neonpay.web")

_LINK_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Refused:
    """Why somebody did not come in.

    Attributes:
        tries_left: how often they may try again in this minute; 0 for not at all.
    """

    tries_left: int


async def by_password(request: web.Request, name: str, password: str) -> Refused | None:
    """Sign a browser in; None when it is in, with an id that nobody knew before.

    Raises:
        LedgerError: the try could not be counted, and was not made.
    """
    ledger, at = shops(request).ledger, _now(request)
    where_from = address(request)
    left, account = await ledger.run(_counted, name, where_from, at)
    if left < 0:
        return Refused(0)
    password_hash = None if account is None else account.password_hash
    if not await is_right(password_hash, password):
        if account is not None:
            viewer = Viewer(account.name, account.role)
            await ledger.run(write_act, viewer, where_from, microseconds(at), "login.refused")
        return Refused(left)
    new_hash = digest(rotate(request))
    await ledger.run(_enter, new_hash, name, where_from, _agent(request), at, "login.password")
    return None


async def own_password(request: web.Request, name: str, password: str) -> Refused | None:
    """Whether whoever is in knows the password of their account, too; counted as a try of it. None when they do.

    Raises:
        LedgerError: the try could not be counted, and was not made.
    """
    ledger = shops(request).ledger
    left, account = await ledger.run(_counted, name, address(request), _now(request))
    if left < 0 or account is None:
        return Refused(0)
    if not await is_right(account.password_hash, password):
        return Refused(left)
    await ledger.run(forget_tries, _of_account(name))
    return None


async def by_link(request: web.Request, token: str) -> bool:
    """Sign a browser in with a link; whether it is in. The link opens nothing any more."""
    ledger, at, where_from = shops(request).ledger, _now(request), address(request)
    new_hash = digest(rotate(request))
    return await ledger.run(_enter_by_link, digest(token), new_hash, where_from, _agent(request), at)


async def link_for(ledger: Ledger, account: str, role: Role, at: datetime) -> str:
    """The path of a new link, below where the dashboard is mounted."""
    token = secrets.token_urlsafe(_LINK_BYTES)
    await ledger.run(keep_link, digest(token), account, role.word, at)
    return f"{ENTER}/{token}"


def base_address(request: web.Request) -> str | None:
    """How owners reach these pages: what the program says, else the address of this request if it can be believed.

    Anybody can write anything into a Host header, and a link under that name would carry its token there.
    """
    the_door = door(request)
    if the_door.address is not None:
        return the_door.address.rstrip("/")
    name = own_authority(request)
    if name is None:
        return None
    scheme = "https" if is_secure(request) else "http"
    return f"{scheme}://{name}{prefix(request)}"


async def send_links(request: web.Request, w: Speech) -> bool | None:
    """Have the bots send each owner a link; whether any was sent. None when that was asked for too often."""
    base, ledger, at = base_address(request), shops(request).ledger, _now(request)
    if base is None:
        return False
    if await ledger.run(tries_left, "messages", at, MESSAGE_TRIES, MESSAGE_WINDOW) < 0:
        return None
    reached = [await _send_link(shop, admin, base, at, w) for admin, shop in shops(request).by_admin.items()]
    return any(reached)


async def _send_link(shop: NeonPayCore, admin: int, base: str, at: datetime, w: Speech) -> bool:
    path = await link_for(shop.program.pipeline.ledger, str(admin), Role.OWNER, at)
    text = w("login.message", url=f"{base}{path}")
    # A preview would be made by Telegram's servers, which then had asked for the page.
    message: JsonObject = {
        "chat_id": admin,
        "text": text,
        "link_preview_options": {"is_disabled": True},
        "protect_content": True,
    }
    try:
        await shop.call("sendMessage", message)
    except (TelegramError, TelegramUnreachableError) as exc:
        logger.warning("owner %s got no link to the dashboard: %s", admin, error_words(exc))
        return False
    return True


def _counted(transaction: Transaction, name: str, where_from: str, at: datetime) -> tuple[int, Account | None]:
    of_address = tries_left(transaction, f"address {where_from}", at, ADDRESS_TRIES, WINDOW)
    of_account = tries_left(transaction, _of_account(name), at, ACCOUNT_TRIES, WINDOW)
    known = name in with_password(transaction)
    return min(of_address, of_account), find_account(transaction, name) if known else None


def _enter(
    transaction: Transaction, session_hash: str, name: str, where_from: str, agent: str, at: datetime, act: str
) -> None:
    account = find_account(transaction, name)
    if account is None:  # taken away since
        return
    forget_tries(transaction, _of_account(name))
    open_session(transaction, session_hash, name, account.role.word, at, where_from, agent)
    write_act(transaction, Viewer(name, account.role), where_from, microseconds(at), act)


def _enter_by_link(
    transaction: Transaction, link_hash: str, session_hash: str, where_from: str, agent: str, at: datetime
) -> bool:
    link = use_link(transaction, link_hash, at)
    if link is None:
        return False
    if find_account(transaction, link.account) is None:
        keep_account(transaction, link.account, Role.named(link.role), microseconds(at))
    _enter(transaction, session_hash, link.account, where_from, agent, at, "login.link")
    return True


def _of_account(name: str) -> str:
    return f"account {name}"


def _now(request: web.Request) -> datetime:
    return moment(door(request).clock.now_us())


def _agent(request: web.Request) -> str:
    return request.headers.get("User-Agent", "")
