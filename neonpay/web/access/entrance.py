"""Before every page: who asks? Whoever nobody knows is led to the door, and gets nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.monitoring.routes import METRICS, READY
from neonpay.web.access.accounts import Account, find_account, with_password
from neonpay.web.access.cookies import browser_id, digest
from neonpay.web.access.door import door
from neonpay.web.access.forms import LOOKS
from neonpay.web.access.known import KNOWN, may_still
from neonpay.web.access.peer import sits_here
from neonpay.web.access.roles import Role
from neonpay.web.access.sessions import NOTED_EVERY, account_of, note_seen
from neonpay.web.access.viewer import let_in
from neonpay.web.access.visit import LOCAL, Viewer
from neonpay.web.beside import is_beside
from neonpay.web.mount import HEALTH, place, url
from neonpay.web.pace import TURN
from neonpay.web.reading import BlindError, read
from neonpay.web.shops import shops

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

LOGIN: Final = "/login"
ENTER: Final = "/enter"
_FOR_MONITORS: Final = frozenset({HEALTH, METRICS, READY})
"""They tell everybody whether the shop is well, and figures to this machine and whoever has the token of ``[monitoring]``."""
_FILES: Final = "/_/"


@dataclass(frozen=True, slots=True)
class _Told:
    """What the ledger says about a browser that asks."""

    account: Account | None
    seen_at: datetime | None
    local: Account | None
    asks_for_passwords: bool


def is_for_all(request: web.Request) -> bool:
    """Whether nobody has to sign in for it here: files, what monitors ask for, and what is beside the pages."""
    here = place(request)
    return here in _FOR_MONITORS or here.startswith(_FILES) or is_beside(request)


@web.middleware
async def entrance(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets a request in as whoever it comes from, and leads it to the door when nobody knows."""
    here = place(request)
    if is_for_all(request):
        return await handler(request)
    somebody = await admitted(request)
    turn = TURN.get()
    if turn is not None:
        await turn.begin(is_owner=somebody is not None)
        if request.transport is None:  # the reader has gone while others had their turns
            return web.Response(status=web.HTTPServiceUnavailable.status_code)
    if somebody is not None:
        let_in(request, somebody)
    elif not (here in {LOGIN, ENTER} or here.startswith((f"{LOGIN}/", f"{ENTER}/"))):
        if request.method in LOOKS:
            raise web.HTTPSeeOther(url(request, LOGIN))
        raise web.HTTPForbidden
    return await handler(request)


async def admitted(request: web.Request) -> Viewer | None:
    """Who asks, as the ledger knows them now; None for whoever has to sign in.

    Raises:
        BlindError: the ledger does not answer, and nobody is let in without it.
    """
    own, the_door = browser_id(request), door(request)
    session_hash = None if own is None else digest(own)
    may_be_local = the_door.is_open_here and sits_here(request)
    known_sessions = request.config_dict[KNOWN]

    def seems_in() -> bool:
        asks_nobody = may_be_local and the_door.memory.asks_for_passwords is not True
        return asks_nobody or session_hash in known_sessions.sessions

    if not seems_in():
        if session_hash is None and not may_be_local:
            return None
        await known_sessions.look(request)
        if not seems_in():
            return None
    at = moment(the_door.clock.now_us())
    try:
        told = await read(request, _told, session_hash, at)
    except BlindError:
        # Whoever sits here is to see that it cannot be read; a password that was never asked for is not asked for now.
        if may_be_local and the_door.memory.asks_for_passwords is False:
            return _viewer(request, None)
        raise
    the_door.memory.asks_for_passwords = told.asks_for_passwords
    account = told.account
    if account is not None and session_hash is not None and may_still(request, account.name):
        if told.seen_at is not None and at - told.seen_at > NOTED_EVERY and not the_door.only_looks:
            await shops(request).ledger.run(note_seen, session_hash, at)
        return _viewer(request, account, session_hash)
    if may_be_local and not told.asks_for_passwords:
        return _viewer(request, told.local)
    if session_hash is not None:
        known_sessions.sessions -= {session_hash}
    return None


def _told(transaction: Transaction, session_hash: str | None, at: datetime) -> _Told:
    found = None if session_hash is None else account_of(transaction, session_hash, at)
    account, seen_at = (None, None) if found is None else found
    local = find_account(transaction, LOCAL) if account is None else None
    return _Told(account, seen_at, local, bool(with_password(transaction)))


def _viewer(request: web.Request, account: Account | None, session_hash: str | None = None) -> Viewer:
    most = Role.VIEWER if door(request).only_looks else Role.OWNER
    if account is None:
        return Viewer(LOCAL, most)
    return Viewer(
        account.name,
        min(account.role, most),
        session_hash,
        language=account.language,
        zone=account.zone,
        uses_single_keys=account.single_keys,
    )
