"""What somebody may do in the dashboard."""

from __future__ import annotations

import enum


class Role(enum.IntEnum):
    """Each may do what the one before may: ``viewer(request).role >= Role.OPERATOR``."""

    VIEWER = 1
    """Looks at everything, and changes nothing but how the pages look to them."""
    OPERATOR = 2
    """Decides about money: refunds, retries, accepts, answers buyers."""
    OWNER = 3
    """Decides about people: accounts, everybody's sessions, the book of acts."""

    @property
    def word(self) -> str:
        """As it is typed and kept: ``viewer``, ``operator``, ``owner``."""
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> Role:
        """The role of a word; raises KeyError when there is none."""
        return cls[word.upper()]
