"""Mail by SMTP, over TLS unless it is said otherwise."""

from __future__ import annotations

import html
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

import aiosmtplib

from neonpay.core.text import clean
from neonpay.errors import NotificationDelayedError, NotificationRefusedError
from neonpay.notifications.channels import Means
from neonpay.notifications.config import IMPLICIT_TLS
from neonpay.notifications.fitting import fit_chars, one_line
from neonpay.notifications.kinds import NotificationPriority, NotificationType
from neonpay.notifications.note import Note

_SUBJECT_CHARS: Final = 200
_BODY_CHARS: Final = 100_000
_FOR_GOOD: Final = 500
_URGENT: Final = frozenset({NotificationPriority.HIGH, NotificationPriority.CRITICAL})


class EmailChannel:
    """One connection for each message, so that none is left that a server has closed meanwhile."""

    def __init__(self, means: Means) -> None:
        self._config = means.config
        self._tls = ssl.create_default_context() if self._config.smtp_use_tls else None
        if self._tls is not None and self._config.smtp_ca_file is not None:
            self._tls.load_verify_locations(self._config.smtp_ca_file)

    async def send(self, note: Note) -> None:
        """Have the mail server take it.

        Raises:
            NotificationRefusedError: the server refuses the address or the message, or the address is none.
            NotificationDelayedError: the server is away, wants it later, or does not let this program in.
        """
        config = self._config
        is_implicit = config.smtp_use_tls and config.smtp_port == IMPLICIT_TLS
        try:
            await aiosmtplib.send(
                self._written(note),
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
            self._refuse(refused.code, refused.message, exc)
        except aiosmtplib.SMTPAuthenticationError as exc:
            # Whoever mends the password gets what waited.
            finding = f"the mail server does not let {config.smtp_username} in ({exc.code})"
            raise NotificationDelayedError(NotificationType.EMAIL, finding) from None
        except aiosmtplib.SMTPResponseException as exc:
            self._refuse(exc.code, exc.message, exc)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as exc:
            finding = f"no mail server at {config.smtp_host}:{config.smtp_port} ({type(exc).__name__}: {clean(exc)})"
            raise NotificationDelayedError(NotificationType.EMAIL, finding) from exc

    async def close(self) -> None:
        """Nothing is open between messages."""

    def _refuse(self, code: int, words: str, exc: Exception) -> None:
        finding = f"the mail server answered {code}: {clean(words, 200)}"
        if code >= _FOR_GOOD:
            raise NotificationRefusedError(NotificationType.EMAIL, finding) from exc
        raise NotificationDelayedError(NotificationType.EMAIL, finding) from exc

    def _written(self, note: Note) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        sender = _address(self._config.sender or "")
        message["From"] = sender
        message["To"] = _address(note.recipient)
        message["Subject"] = one_line(note.subject or note.kind, _SUBJECT_CHARS)
        message["Date"] = format_datetime(note.at)
        message["Message-ID"] = f"<{note.note_id}@{sender.domain}>"
        # No holiday answer, please (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        if note.priority in _URGENT:
            message["Importance"] = "high"
        body = fit_chars(note.body or note.subject, _BODY_CHARS)
        message.set_content(body)
        message.add_alternative(_as_html(note.subject, body), subtype="html")
        return message


def _address(text: str) -> Address:
    try:
        address = Address(addr_spec=text.strip())
    except Exception as exc:  # the standard library's parser raises whatever it stumbles over
        raise NotificationRefusedError(NotificationType.EMAIL, "the address is none") from exc
    if not address.username or not address.domain or any(sign in text for sign in "\r\n,;<>"):
        raise NotificationRefusedError(NotificationType.EMAIL, "the address is none")
    return address


def _as_html(subject: str, body: str) -> str:
    head = f"<h2>{html.escape(subject)}</h2>" if subject else ""
    said = html.escape(body).replace("\n", "<br>\n")
    return f'<!DOCTYPE html><html><body dir="auto">{head}<p>{said}</p></body></html>'
