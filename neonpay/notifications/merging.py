"""Several messages to one person as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from neonpay.core.words import NEONPAY, Words
from neonpay.notifications.fitting import NAMED_CHARS
from neonpay.notifications.kinds import NotificationPriority
from neonpay.notifications.note import Note

_SHOWN: Final = 20
_LINE_CHARS: Final = 160
_RANK: Final = {priority: rank for rank, priority in enumerate(NotificationPriority)}
_MESSAGES: Final = Words("{count} message", "{count} messages", counted="count")
_MORE: Final = Words("… and {count} more", "… and {count} more", counted="count")
_IN: Final = Words("In {count} minute:", "In {count} minutes:", counted="count")


def merged(notes: Sequence[Note], language_code: str | None) -> Note:
    """One note that says all of them, under the id of the first, in a language; the note itself when there is one."""
    first = notes[0]
    if len(notes) == 1:
        return first
    kinds = {note.kind for note in notes}
    is_one_kind = len(kinds) == 1 and len({note.subject for note in notes}) == 1
    count = len(notes)
    subject = f"{first.subject} × {count}" if is_one_kind else NEONPAY.say(_MESSAGES, language_code, count=count)
    minutes = max(1, round((notes[-1].at - first.at).total_seconds() / 60))
    lines = [NEONPAY.say(_IN, language_code, count=minutes)]
    lines += [_line(note, is_one_kind) for note in notes[:_SHOWN]]
    if count > _SHOWN:
        lines.append(NEONPAY.say(_MORE, language_code, count=count - _SHOWN))
    return replace(
        first,
        subject=subject,
        body="\n".join(lines),
        kind=first.kind if is_one_kind else "digest",
        at=notes[-1].at,
        priority=max((note.priority for note in notes), key=_RANK.__getitem__),
        user_id=None,
        data={"count": count},
    )


def _line(note: Note, without_subject: bool) -> str:
    body = " ".join(note.body.split())
    said = body if without_subject and body else f"{note.subject}: {body}" if body else note.subject
    if len(said) > _LINE_CHARS:
        said = " ".join([_named(word) for word in said.split(" ")])
    return "• " + (said if len(said) <= _LINE_CHARS else said[: _LINE_CHARS - 1] + "…")


def _named(word: str) -> str:
    # An address that is cut leads nowhere, and where words have no spaces between them a whole sentence is one.
    is_id = len(word) > 2 * NAMED_CHARS and word.isascii() and "://" not in word
    return f"{word[:NAMED_CHARS]}…" if is_id else word
