"""Mail servers on loopback that do what some of them do."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP

from tests.integration.notifications.conftest import Letters

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from aiosmtpd.smtp import Envelope, Session


@dataclass(slots=True)
class Plain(Letters):
    """A mail server that asks nobody for a password.

    ``at_mail`` and ``at_data`` are its answers there, where ``close`` ends the connection; to ``closes_at`` it answers 421 and
    ends it. ``said`` are the options that it was given for each message, and ``refused`` what it says of a recipient each time.
    """

    at_mail: str = ""
    at_data: str = ""
    closes_at: str = ""
    said: list[list[str]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    async def handle_MAIL(  # noqa: N802  # as aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        self.said.append(options)
        return self.at_mail or self._or_closing("MAIL", server)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        if self.closes_at == "RCPT":
            return self._or_closing("RCPT", server)
        return await Letters.handle_RCPT(self, server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.at_data == "close":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        answer = self.at_data or self._or_closing("DATA", server)
        if answer.startswith("250"):
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            self.got.append((envelope.mail_from or "", envelope.rcpt_tos, content))
        return answer

    def _or_closing(self, command: str, server: SMTP) -> str:
        if command != self.closes_at:
            return "250 OK"
        assert server.transport is not None
        asyncio.get_running_loop().call_soon(server.transport.close)
        return "421 4.3.2 closing for a moment"


@asynccontextmanager
async def plain(
    at_mail: str = "",
    at_data: str = "",
    *,
    closes_at: str = "",
    from_the_first_byte: ssl.SSLContext | None = None,
    **how: Any,
) -> AsyncIterator[Plain]:
    """A mail server; without ``from_the_first_byte`` it begins without TLS. ``how`` is what aiosmtpd is told beside it."""
    letters, loop = Plain(at_mail=at_mail, at_data=at_data, closes_at=closes_at), asyncio.get_running_loop()
    open_ones: list[SMTP] = []

    def serve() -> SMTP:
        open_ones.append(SMTP(letters, hostname="localhost", loop=loop, **how))
        return open_ones[-1]

    server = await loop.create_server(serve, "127.0.0.1", 0, ssl=from_the_first_byte)
    letters.port = server.sockets[0].getsockname()[1]
    async with server:
        yield letters
        for one in open_ones:
            if isinstance(one.transport, asyncio.WriteTransport):
                one.transport.abort()


@asynccontextmanager
async def saying(first: bytes, *, pace_s: float | None = None, silent_at: bytes | None = None) -> AsyncIterator[int]:
    """The port of a server that says this to whoever comes; then it is silent, or takes so long for each answer.

    With ``silent_at`` it answers all but what begins so.
    """
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(first)
        while line := await reader.readline():
            answer = b"354 go\r\n" if line == b"DATA\r\n" else b"250 OK\r\n"
            if pace_s is not None:
                asyncio.get_running_loop().call_later(pace_s, writer.write, answer)
            elif silent_at is not None and not line.startswith(silent_at):
                writer.write(answer)
            if silent_at is not None and line == b"DATA\r\n":
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 OK\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for writer in writers:
            writer.transport.abort()
