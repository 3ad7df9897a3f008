"""Mail by SMTP, over TLS unless it is said otherwise."""

from __future__ import annotations

import asyncio
import html
import re
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, NoReturn

import aiosmtplib

from neonpay.core.text import clean
from neonpay.errors import ConfigurationError, NotificationDelayedError, NotificationRefusedError
from neonpay.notifications.channels import Means
from neonpay.notifications.config import IMPLICIT_TLS
from neonpay.notifications.fitting import fit_chars, one_line
from neonpay.notifications.kinds import NotificationPriority, NotificationType
from neonpay.notifications.note import Note

_SUBJECT_CHARS: Final = 200
_BODY_CHARS: Final = 100_000
_FOR_GOOD: Final = 500
_ADDRESS: Final = re.compile(r"[^\s<>()\[\]:;,\"'@]+@[^\s<>()\[\]:;,\"'@]+")
_URGENT: Final = frozenset({NotificationPriority.HIGH, NotificationPriority.CRITICAL})


class EmailChannel:
    """One connection for each message, so that none is left that a server has closed meanwhile."""

    def __init__(self, means: Means) -> None:
        self._config = config = means.config
        try:
            self._sender = _address(config.sender or "")
        except NotificationRefusedError as exc:
            msg = f"mail needs the address of its sender: set {_setting('smtp_from')}; the user name is none"
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
        config = self._config
        is_implicit = config.smtp_use_tls and config.smtp_port == IMPLICIT_TLS
        written = self._written(note)
        try:
            # The library's limit is for each answer of the server, and this one for all of them.
            async with asyncio.timeout(config.timeout_s):
                await aiosmtplib.send(
                    written,
                    hostname=config.smtp_host,
                    port=config.smtp_port,
                    username=config.smtp_username if config.smtp_password is not None else None,
                    password=config.smtp_password,
                    use_tls=is_implicit,
                    start_tls=config.smtp_use_tls and not is_implicit,
                    tls_context=self._tls,
                    timeout=config.timeout_s,
                )
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
        except (aiosmtplib.SMTPException, OSError, TimeoutError, UnicodeError) as exc:
            raise NotificationDelayedError(NotificationType.EMAIL, self._away(exc)) from exc

    async def close(self) -> None:
        """Nothing is open between messages."""

    def _away(self, exc: Exception) -> str:
        """What is between this program and the server, which has refused no message yet, and what to do."""
        server = f"the mail server {self._config.smtp_host}:{self._config.smtp_port}"
        cause = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {server} is not trusted ({clean(cause.verify_message)}): "
                f"set {_setting('smtp_ca_file')} to a file with that of who has signed it"
            )
        if isinstance(cause, ssl.SSLError):
            return f"{server} speaks no TLS ({clean(cause.reason)}): is {_setting('smtp_port')} right?"
        if isinstance(exc, aiosmtplib.SMTPResponseException):
            said = _said(exc.code, exc.message)
            return f"{said}; it has not come to the message: is {_setting('smtp_from')} right, and its port, user name and TLS?"
        if isinstance(exc, TimeoutError):
            return (
                f"{server} did not answer within {self._config.timeout_s:g} s: is {_setting('smtp_port')} right? "
                f"TLS from the first byte is spoken on {IMPLICIT_TLS} alone"
            )
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

    def _written(self, note: Note) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = _address(note.recipient)
        message["Subject"] = one_line(note.subject or note.kind, _SUBJECT_CHARS)
        message["Date"] = format_datetime(note.at)
        message["Message-ID"] = f"<{note.note_id}@{self._sender.domain}>"
        # No holiday answer, please (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        if note.priority in _URGENT:
            message["Importance"] = "high"
        body = fit_chars(note.body or note.subject, _BODY_CHARS)
        message.set_content(body)
        message.add_alternative(_as_html(note.subject, body), subtype="html")
        return message


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


def _setting(name: str) -> str:
    return f"{name} (NEONPAY_NOTIFY_{name.upper()})"


def _address(text: str) -> Address:
    try:
        address = Address(addr_spec=text.strip())
    except Exception as exc:  # the standard library's parser raises whatever it stumbles over
        raise NotificationRefusedError(NotificationType.EMAIL, "that is no address of mail") from exc
    if not address.username or not address.domain or any(sign in text for sign in "\r\n,;<>"):
        raise NotificationRefusedError(NotificationType.EMAIL, "that is no address of mail")
    return address


def _as_html(subject: str, body: str) -> str:
    head = f"<h2>{html.escape(subject)}</h2>" if subject else ""
    said = html.escape(body).replace("\n", "<br>\n")
    return f'<!DOCTYPE html><html><body dir="auto">{head}<p>{said}</p></body></html>'
