"""What mail servers do to a message, and what is said of it: in one line, with what to set, and without an address."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.core.text import clean
from neonpay.errors import ConfigurationError, NotificationDelayedError, NotificationRefusedError, ValidationError
from neonpay.notifications import NotificationConfig, NotificationManager, NotificationMessage, NotificationType
from tests.integration.notifications.mail_servers import plain, saying

if TYPE_CHECKING:
    from tests.integration.notifications.conftest import Letters

OWNER = "owner@example.com"


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


async def test_tls_begins_with_the_first_byte_on_any_port_where_it_is_said(certificate: tuple[str, str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    over_tls = {"smtp_use_tls": True, "smtp_ca_file": certificate[0]}
    async with plain(from_the_first_byte=context) as letters:
        await mailed(letters.port, **over_tls, smtp_tls="implicit")
        silent = await what_is_said(letters.port, **over_tls, timeout_s=0.3)
        without = await what_is_said(letters.port, timeout_s=0.3)
    assert len(letters.got) == 1
    assert "from the first byte, set smtp_tls (NEONPAY_NOTIFY_SMTP_TLS) to implicit" in silent
    assert "Where it speaks TLS, set smtp_use_tls (NEONPAY_NOTIFY_SMTP_USE_TLS) to true" in without


async def test_a_server_that_begins_without_tls_is_called_so(letters: Letters) -> None:
    over_tls = {"smtp_use_tls": True, "smtp_ca_file": letters.ca_file}
    said = await what_is_said(letters.port, **over_tls, smtp_tls="implicit")
    assert "set smtp_tls (NEONPAY_NOTIFY_SMTP_TLS) to starttls where it begins without" in said
    assert letters.got == []
    await mailed(letters.port, **over_tls, smtp_tls="starttls", smtp_username="shop@example.com", smtp_password="tea")
    assert len(letters.got) == 1


def test_when_tls_begins_is_what_is_said_and_otherwise_by_the_port() -> None:
    begins = {
        (465, "auto"): "implicit",
        (587, "auto"): "starttls",
        (2525, "auto"): "starttls",
        (465, "starttls"): "starttls",
        (2465, "implicit"): "implicit",
    }
    for (port, tls), expected in begins.items():
        assert NotificationConfig(smtp_port=port, smtp_tls=tls).smtp_tls_begins == expected
    assert NotificationConfig(smtp_use_tls=False, smtp_port=465).smtp_tls_begins is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"smtp_tls": "ssl"}, "smtp_tls.*implicit, starttls"),
        ({"smtp_tls": "implicit", "smtp_use_tls": False}, "leave one of them out"),
        (
            {"smtp_host": "smtps://smtp.example.com"},
            "its port is smtp_port, and in place of smtps:// there is smtp_tls",
        ),
        ({"smtp_host": "smtp.example.com:465"}, "its port is smtp_port"),
        ({"smtp_host": "shop@example.com"}, "the name of the mail server alone"),
    ],
)
def test_what_contradicts_itself_or_is_no_server_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises((ConfigurationError, ValidationError), match=words):
        NotificationConfig(**given)


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


async def test_a_server_that_has_taken_a_message_and_is_silent_then_has_it() -> None:
    async with saying(b"220 localhost\r\n", silent_at=b"QUIT") as port:
        await mailed(port, timeout_s=0.3)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_closes_in_the_middle_gets_it_later(command: str) -> None:
    async with plain(closes_at=command) as letters:
        said = await what_is_said(letters.port)
    assert said == "email: the mail server answered 421: 4.3.2 closing for a moment"


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
