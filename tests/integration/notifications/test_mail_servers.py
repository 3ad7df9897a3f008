"""What mail servers do to a message, and what is said of it: in one line, with what to set, and without an address."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.smtp import SMTP

from neonpay.core.text import clean
from neonpay.errors import ConfigurationError, NotificationDelayedError, NotificationRefusedError
from neonpay.notifications import NotificationConfig, NotificationManager, NotificationMessage, NotificationType
from tests.integration.notifications.conftest import Letters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiosmtpd.smtp import Envelope, Session

OWNER = "owner@example.com"


class Plain(Letters):
    """A mail server that speaks no TLS and asks nobody for a password; ``at_mail`` and ``at_data`` are its answers there."""

    at_mail: str = ""
    at_data: str = ""

    async def handle_MAIL(  # noqa: N802  # as aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.at_mail or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.at_data == "close":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        self.got.append((envelope.mail_from or "", envelope.rcpt_tos, b""))
        return self.at_data or "250 OK"


@asynccontextmanager
async def plain(at_mail: str = "", at_data: str = "") -> AsyncIterator[Plain]:
    letters, loop = Plain(), asyncio.get_running_loop()
    letters.at_mail, letters.at_data = at_mail, at_data
    open_ones: list[SMTP] = []

    def serve() -> SMTP:
        open_ones.append(SMTP(letters, hostname="localhost", loop=loop))
        return open_ones[-1]

    server = await loop.create_server(serve, "127.0.0.1", 0)
    letters.port = server.sockets[0].getsockname()[1]
    async with server:
        yield letters
        for one in open_ones:
            if isinstance(one.transport, asyncio.WriteTransport):
                one.transport.abort()


@asynccontextmanager
async def saying(first: bytes, *, pace_s: float | None = None) -> AsyncIterator[int]:
    """The port of a server that says this to whoever comes; then it is silent, or takes so long for each answer."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(first)
        while line := await reader.readline():
            if pace_s is not None:
                answer = b"354 go\r\n" if line == b"DATA\r\n" else b"250 OK\r\n"
                asyncio.get_running_loop().call_later(pace_s, writer.write, answer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for writer in writers:
            writer.transport.abort()


async def mailed(port: int, **changed: Any) -> None:
    given: dict[str, Any] = {"smtp_host": "localhost", "smtp_from": "shop@example.com", "smtp_use_tls": False}
    config = NotificationConfig(**{**given, "smtp_port": port, **changed})
    async with NotificationManager(config) as manager:
        await manager.send_notification(NotificationMessage(NotificationType.EMAIL, OWNER, body="-"))


async def what_is_said(port: int, **changed: Any) -> str:
    """Of a message that waits for somebody to mend something."""
    with pytest.raises(NotificationDelayedError) as caught:
        await mailed(port, **changed)
    said = str(caught.value)
    assert "\n" not in said
    assert "@" not in said
    assert "no mail server at" not in said
    return said


async def test_a_server_without_starttls_is_called_so() -> None:
    async with plain() as letters:
        said = await what_is_said(letters.port, smtp_use_tls=True)
        assert (
            f"localhost:{letters.port} does not offer STARTTLS: set smtp_port (NEONPAY_NOTIFY_SMTP_PORT) to 465" in said
        )
        assert letters.got == []


async def test_a_server_that_asks_for_no_password_is_called_so() -> None:
    async with plain() as letters:
        said = await what_is_said(letters.port, smtp_username="shop@example.com", smtp_password="hunter2")
        assert "set no smtp_password (NEONPAY_NOTIFY_SMTP_PASSWORD)" in said
        assert "hunter2" not in said


async def test_of_a_certificate_that_nobody_vouches_for_it_is_said_how_to_trust_it(letters: Letters) -> None:
    said = await what_is_said(letters.port, smtp_use_tls=True)
    assert "is not trusted (self-signed certificate): set smtp_ca_file (NEONPAY_NOTIFY_SMTP_CA_FILE)" in said


async def test_a_wrong_password_is_told_by_the_names_of_the_settings(letters: Letters) -> None:
    trusted = {"smtp_use_tls": True, "smtp_ca_file": letters.ca_file}
    said = await what_is_said(letters.port, **trusted, smtp_username="shop@example.com", smtp_password="coffee")
    assert "does not let smtp_username in (535)" in said
    assert "coffee" not in said


async def test_a_server_that_ends_the_connection_at_the_message_is_there() -> None:
    async with plain(at_data="close") as letters:
        assert "has ended the connection" in await what_is_said(letters.port)


async def test_a_server_that_is_silent_is_told_of_with_its_time() -> None:
    async with saying(b"") as port:
        assert "did not answer within 0.2 s" in await what_is_said(port, timeout_s=0.2)


async def test_a_server_that_takes_its_time_for_each_answer_has_one_time_for_all() -> None:
    async with saying(b"220 localhost\r\n", pace_s=0.3) as port:
        assert "did not answer within 0.5 s" in await what_is_said(port, timeout_s=0.5)


async def test_what_is_no_mail_server_is_called_so() -> None:
    async with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert "what answered is no mail server" in await what_is_said(port)


@pytest.mark.parametrize("host", ["a..b", "x" * 80 + ".example"])
async def test_a_name_that_is_no_name_of_a_host_is_an_answer(host: str) -> None:
    with pytest.raises(NotificationDelayedError, match="there is no mail server at"):
        await mailed(25, smtp_host=host)


@pytest.mark.parametrize("answer", ["553 5.7.1 shop@example.com is not yours", "530 5.7.0 Authentication required"])
async def test_a_server_that_refuses_the_sender_has_not_refused_the_message(answer: str) -> None:
    async with plain(at_mail=answer) as letters:
        assert "is smtp_from (NEONPAY_NOTIFY_SMTP_FROM) right" in await what_is_said(letters.port)


async def test_a_server_that_serves_nobody_has_not_refused_the_message() -> None:
    async with saying(b"554 no service\r\n") as port:
        assert "554: no service" in await what_is_said(port)


@pytest.mark.parametrize("where", ["recipient", "message"])
async def test_whom_a_server_refuses_is_not_repeated(where: str) -> None:
    words = f"550 5.1.1 <{OWNER}>: Owner@Example.com is not here"
    async with plain(at_data=words if where == "message" else "") as letters:
        letters.refusals += [words] if where == "recipient" else []
        with pytest.raises(NotificationRefusedError, match=r"550: 5\.1\.1 <…>: … is not here"):
            await mailed(letters.port)


@pytest.mark.parametrize(("name", "why"), [("nowhere.pem", "No such file"), ("empty.pem", "it has no certificate")])
async def test_a_file_of_certificates_that_is_none_is_named(tmp_path: Any, name: str, why: str) -> None:
    (tmp_path / "empty.pem").write_text("-")
    with pytest.raises(
        ConfigurationError, match=f"smtp_ca_file .*{re.escape(clean(tmp_path / name))}, cannot be used: {why}"
    ):
        await mailed(25, smtp_use_tls=True, smtp_ca_file=str(tmp_path / name))


async def test_a_user_name_that_is_no_address_asks_for_the_senders() -> None:
    with pytest.raises(ConfigurationError, match=r"set smtp_from \(NEONPAY_NOTIFY_SMTP_FROM\)"):
        await mailed(25, smtp_from=None, smtp_username="joe")
