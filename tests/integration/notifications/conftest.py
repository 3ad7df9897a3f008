"""Real receivers on loopback: programs that are posted to, and mail servers."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from aiosmtpd.smtp import Envelope, Session

    from tests.integration.conftest import MovableClock


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Post:
    """What was posted."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """A program that is posted to; it answers 200 unless it was told what to answer next, or hangs until ``goes_on``."""

    url: str = ""
    got: list[Post] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    hangs: bool = False
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append(Post(request.path, dict(request.headers), await request.read()))
        self._more.set()
        if self.hangs:
            await self.goes_on.wait()
        return self.answers.pop(0) if self.answers else web.Response(text="ok")

    async def has(self, count: int) -> list[Post]:
        async with asyncio.timeout(100):
            while len(self.got) < count:
                self._more.clear()
                await self._more.wait()
        return self.got


async def as_time_passes(clock: MovableClock, waiting: Awaitable[T]) -> T:
    """What is waited for, while a second goes by again and again: what looks each minute may look just before one of them."""
    task = asyncio.ensure_future(waiting)
    async with asyncio.timeout(100):
        while not task.done():
            clock.advance(1)
            await asyncio.wait({task}, timeout=0.01)
    return await task


@pytest.fixture
def receiver_of() -> Callable[[], AbstractAsyncContextManager[Receiver]]:
    @asynccontextmanager
    async def receiver_of() -> AsyncIterator[Receiver]:
        receiver, app = Receiver(), web.Application()
        app.router.add_route("*", "/{tail:.*}", receiver.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        receiver.url = f"http://{host}:{port}"
        try:
            yield receiver
        finally:
            await runner.cleanup()

    return receiver_of


@pytest.fixture
async def receiver(receiver_of: Callable[[], AbstractAsyncContextManager[Receiver]]) -> AsyncIterator[Receiver]:
    async with receiver_of() as receiver:
        yield receiver


@dataclass(slots=True)
class Letters:
    """The inbox of a mail server: who wrote to whom, and what. ``refusals`` are what it says to the next recipients."""

    port: int = 0
    ca_file: str = ""
    got: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  # as aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert session.ssl is not None, "nothing is read that was not said over TLS"
        content = envelope.content
        self.got.append((envelope.mail_from or "", envelope.rcpt_tos, content if isinstance(content, bytes) else b""))
        return "250 OK"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder: Path = tmp_path_factory.mktemp("tls")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert]
    subprocess.run(made, check=True, capture_output=True)
    return cert, key


@pytest.fixture
async def letters(certificate: tuple[str, str]) -> AsyncIterator[Letters]:
    """A mail server with STARTTLS, which takes letters from ``shop`` with the password ``tea``."""
    letters, context = Letters(ca_file=certificate[0]), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def lets_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        is_right = isinstance(given, LoginPassword) and (given.login, given.password) == (b"shop@example.com", b"tea")
        return AuthResult(success=is_right, handled=False)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            letters,
            hostname="localhost",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=lets_in,
            loop=loop,
        ),
        "127.0.0.1",
        0,
    )
    letters.port = server.sockets[0].getsockname()[1]
    yield letters
    server.close()
