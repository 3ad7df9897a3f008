"""Mail by SMTP, over TLS unless it is said otherwise."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Final, NoReturn

import aiosmtplib

from neonpay.core.text import clean
from neonpay.errors import ConfigurationError, NotificationDelayedError, NotificationRefusedError
from neonpay.notifications.channels import Means
from neonpay.notifications.channels.letters import letter
from neonpay.notifications.channels.mailboxes import mailbox
from neonpay.notifications.config import IMPLICIT_TLS, SmtpTls
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.note import Note

_FOR_NOW: Final = range(400, 500)
_FOR_GOOD: Final = 500
_GOODBYE_S: Final = 2.0
_ADDRESS: Final = re.compile(r"[^\s<>()\[\]:;,\"'@]+@[^\s<>()\[\]:;,\"'@]+")


def _setting(name: str) -> str:
    return f"{name} (NEONPAY_NOTIFY_{name.upper()})"


_WHEN_SILENT: Final = {
    SmtpTls.STARTTLS: (
        f"is {_setting('smtp_port')} right? Where it speaks TLS from the first byte, set {_setting('smtp_tls')} to implicit"
    ),
    SmtpTls.IMPLICIT: f"is {_setting('smtp_port')} right? Where it begins without TLS, set {_setting('smtp_tls')} to starttls",
    None: f"is {_setting('smtp_port')} right? Where it speaks TLS, set {_setting('smtp_use_tls')} to true",
}
"""What to look at when a server says nothing, by when TLS begins."""


class EmailChannel:
    """One connection for each message, so that none is left that a server has closed meanwhile."""

    def __init__(self, means: Means) -> None:
        self._config = config = means.config
        try:
            self._sender = mailbox(config.sender or "")
        except ValueError as exc:
            finding = (
                "the user name is none" if config.smtp_from is None else "it is none such as Shop <shop@example.com>"
            )
            msg = f"mail needs the address of its sender: set {_setting('smtp_from')}; {finding}"
            raise ConfigurationError(msg) from exc
        self._tls = ssl.create_default_context() if config.smtp_use_tls else None
        if self._tls is not None and config.smtp_ca_file is not None:
            try:
                self._tls.load_verify_locations(config.smtp_ca_file)
            except OSError as exc:  # ssl.SSLError is one
                why = "it has no certificate" if isinstance(exc, ssl.SSLError) else exc.strerror
                msg = f"{_setting('smtp_ca_file')}, {config.smtp_ca_file}, cannot be used: {why}"
                raise ConfigurationError(msg) from exc

    async def send(self, note: Note) -> None:
        """Have the mail server take it.

        Raises:
            NotificationRefusedError: the server refuses the address or the message, or the address is none.
            NotificationDelayedError: the server is away, wants it later, or does not let this program in.
        """
        try:
            recipient = mailbox(note.recipient)
        except ValueError as exc:
            finding = "that is no address of mail, such as owner@example.com or Olga <owner@example.com>"
            raise NotificationRefusedError(NotificationType.EMAIL, finding) from exc
        try:
            await self._hand_over(letter(note, self._sender, recipient))
        except aiosmtplib.SMTPRecipientsRefused as exc:
            refused = exc.recipients[0]
            _refuse(refused.code, refused.message, exc)
        except aiosmtplib.SMTPDataError as exc:
            _refuse(exc.code, exc.message, exc)
        except aiosmtplib.SMTPAuthenticationError as exc:
            # Whoever mends the password gets what waited.
            finding = (
                f"the mail server does not let smtp_username in ({exc.code}): "
                f"set {_setting('smtp_username')} and {_setting('smtp_password')}"
            )
            raise NotificationDelayedError(NotificationType.EMAIL, finding) from None
        except aiosmtplib.SMTPNotSupported as exc:
            self._lacks(exc)
        except (aiosmtplib.SMTPException, OSError, TimeoutError, UnicodeError) as exc:
            raise NotificationDelayedError(NotificationType.EMAIL, self._away(exc)) from exc

    async def close(self) -> None:
        """Nothing is open between messages."""

    @property
    def _server(self) -> str:
        return f"the mail server {self._config.smtp_host}:{self._config.smtp_port}"

    async def _hand_over(self, written: EmailMessage) -> None:
        """Return when the server has taken the message; raises what the library raises."""
        config = self._config
        client = aiosmtplib.SMTP(
            hostname=config.smtp_host,
            port=config.smtp_port,
            username=config.smtp_username if config.smtp_password is not None else None,
            password=config.smtp_password,
            use_tls=config.smtp_tls_begins is SmtpTls.IMPLICIT,
            start_tls=config.smtp_tls_begins is SmtpTls.STARTTLS,
            tls_context=self._tls,
            timeout=config.timeout_s,
        )
        try:
            # The library's limit is for each answer of the server, and this one for all of them.
            async with asyncio.timeout(config.timeout_s):
                await client.connect()
                await client.send_message(written)
        except aiosmtplib.SMTPException:
            await self._take_leave(client)
            raise
        else:
            await self._take_leave(client)
        finally:
            client.close()

    async def _take_leave(self, client: aiosmtplib.SMTP) -> None:
        """Say goodbye, as RFC 5321 wants it; whatever comes of that, the server has decided on the message."""
        if client.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(min(_GOODBYE_S, self._config.timeout_s)):
                    await client.quit()

    def _lacks(self, exc: aiosmtplib.SMTPNotSupported) -> NoReturn:
        """Raise what it means that the server does not take addresses beyond ASCII."""
        finding = f"{self._server} takes no address that is not in ASCII before its @"
        if self._sender.username.isascii():
            finding += ", as the recipient's is: name another address of theirs, or a server that offers SMTPUTF8"
            raise NotificationRefusedError(NotificationType.EMAIL, finding) from exc
        finding += (
            f", as the sender's is: set {_setting('smtp_from')} to one that is, or name a server that offers SMTPUTF8"
        )
        raise NotificationDelayedError(NotificationType.EMAIL, finding) from exc

    def _away(self, exc: Exception) -> str:
        """What is between this program and the server, which has refused no message yet, and what to do."""
        server, begins = self._server, self._config.smtp_tls_begins
        cause = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {server} is not trusted ({clean(cause.verify_message)}): "
                f"set {_setting('smtp_ca_file')} to a file with that of who has signed it"
            )
        if isinstance(cause, ssl.SSLError):
            if begins is SmtpTls.IMPLICIT:
                return (
                    f"{server} speaks no TLS from the first byte ({clean(cause.reason)}): set {_setting('smtp_tls')} "
                    f"to starttls where it begins without, or is {_setting('smtp_port')} right?"
                )
            return f"{server} speaks no TLS ({clean(cause.reason)}): is {_setting('smtp_port')} right?"
        if isinstance(exc, aiosmtplib.SMTPResponseException):
            said = _said(exc.code, exc.message)
            if exc.code in _FOR_NOW:
                return said
            return f"{said}; it has not come to the message: is {_setting('smtp_from')} right, and its port, user name and TLS?"
        if isinstance(exc, TimeoutError):
            return f"{server} did not answer within {self._config.timeout_s:g} s: {_WHEN_SILENT[begins]}"
        if isinstance(exc, aiosmtplib.SMTPServerDisconnected):
            return f"{server} has ended the connection ({_without_addresses(exc)})"
        if type(exc) is aiosmtplib.SMTPException and "STARTTLS" in str(exc) and self._config.smtp_use_tls:
            return (
                f"{server} does not offer STARTTLS: set {_setting('smtp_port')} to {IMPLICIT_TLS} where it speaks TLS from the "
                f"first byte, or {_setting('smtp_use_tls')} to false where it is on this machine"
            )
        if type(exc) is aiosmtplib.SMTPException and "AUTH" in str(exc):
            return f"{server} asks nobody for a password: set no {_setting('smtp_password')}, or use TLS"
        return f"there is no mail server at {self._config.smtp_host}:{self._config.smtp_port} ({_without_addresses(cause)})"


def _refuse(code: int, words: str, exc: Exception) -> NoReturn:
    """Raise what the server's answer to the recipient or the message means: for good, or for now."""
    if code >= _FOR_GOOD:
        raise NotificationRefusedError(NotificationType.EMAIL, _said(code, words)) from exc
    raise NotificationDelayedError(NotificationType.EMAIL, _said(code, words)) from exc


def _said(code: int, words: str) -> str:
    if code < 0:
        return "what answered is no mail server"
    return f"the mail server answered {code}: {_without_addresses(words, 200)}"


def _without_addresses(words: object, max_chars: int = 500) -> str:
    """Somebody's words; servers repeat whom they refuse, and errors are read by more people than mail is."""
    return _ADDRESS.sub("…", clean(words, max_chars))
