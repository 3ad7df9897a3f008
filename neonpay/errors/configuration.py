"""A program that is set up wrongly."""

from __future__ import annotations


class ConfigurationError(ValueError):
    """The program is set up wrongly; the message shows the line to write."""


class AdapterError(ConfigurationError):
    """A bot object that cannot be served as it was given."""


class AdapterNotInstalledError(AdapterError, ImportError):
    """The bot library was asked for by name and is not installed."""


class HandlerError(ConfigurationError):
    """A handler that cannot be called, none of whose lines would run, or whose stable name is taken."""


class ExtensionError(ConfigurationError):
    """An extension that cannot be used; what does not need it goes on working.

    Attributes:
        extension: its name.
        advice: what to type; None when only whoever wrote the extension can mend it.
    """

    def __init__(self, extension: str, finding: str, *, advice: str | None = None) -> None:
        self.extension = extension
        self.advice = advice
        super().__init__(f"extension {extension}: {finding}" + (f"; {advice}" if advice else ""))
