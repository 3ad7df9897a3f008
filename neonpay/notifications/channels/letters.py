"""Letters as mail programs read them: text and HTML, and headers in which no word runs into the next."""

from __future__ import annotations

import html
from email.header import Header
from email.headerregistry import Address, AddressHeader, BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from typing import Final

from neonpay.notifications.fitting import fit_chars, one_line
from neonpay.notifications.kinds import NotificationPriority
from neonpay.notifications.note import Note

_SUBJECT_CHARS: Final = 200
_BODY_CHARS: Final = 100_000
_URGENT: Final = frozenset({NotificationPriority.HIGH, NotificationPriority.CRITICAL})


class _Folded(BaseHeader):
    """A header whose words beyond ASCII keep the spaces between them.

    Where the standard library's newer headers break a line between two of them, Python 3.11 leaves the space out, and readers
    leave out the one of the line break, as RFC 2047 wants it (section 6.2). Its older ones do it right.
    """

    def fold(self, *, policy: Policy) -> str:
        """The header as lines of a letter."""
        if getattr(policy, "utf8", False) or str(self).isascii():
            return super().fold(policy=policy)
        end = policy.linesep
        if not isinstance(self, AddressHeader):
            return f"{self.name}: {Header(str(self), 'utf-8', header_name=self.name).encode(linesep=end)}{end}"
        (one,) = self.addresses
        name = Header(one.display_name, "utf-8", header_name=self.name).encode(linesep=end)
        return f"{self.name}: {name}{end} <{one.addr_spec}>{end}"


_POLICY: Final = SMTP.clone(header_factory=HeaderRegistry(base_class=_Folded))


def letter(note: Note, sender: Address, recipient: Address) -> EmailMessage:
    """What is sent of a note; its ``Message-ID`` is the same in every attempt."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = recipient
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


def _as_html(subject: str, body: str) -> str:
    head = f"<h2>{html.escape(subject)}</h2>" if subject else ""
    said = html.escape(body).replace("\n", "<br>\n")
    return f'<!DOCTYPE html><html><body dir="auto">{head}<p>{said}</p></body></html>'
