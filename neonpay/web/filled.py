"""Markup with values in it, made as quickly as text: a chart has hundreds of pieces, and a page waits for none of them."""

from __future__ import annotations

from markupsafe import Markup, escape


def filled(template: str, *values: object) -> Markup:
    """The template, which is ours, with values in the places of ``{}``; what is no markup is escaped.

    ``Markup.format`` says the same and takes several times as long.
    """
    return Markup(template.format(*map(escape, values)))  # noqa: S704  # every value is escaped, and the rest is ours
