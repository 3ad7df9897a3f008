"""What is given to ``create_neonpay`` beside the bot."""

from __future__ import annotations

from neonpay.errors import AdapterError


def refuse_unused(line: str, **given: object) -> None:
    """Make sure that nothing is given that the library has no use for: it belongs to another library, which then sells nothing.

    Args:
        line: what to write instead.
        given: objects by the names of their arguments; None is nothing.

    Raises:
        AdapterError: there is one; the message shows the line.
    """
    for name, thing in given.items():
        if thing is not None:
            msg = f"{name} is given, a {type(thing).__name__}, and nothing here uses it: {line}"
            raise AdapterError(msg)
