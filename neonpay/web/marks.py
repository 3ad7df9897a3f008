"""Small pieces of markup that pages put into tables and statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neonpay.web.filled import filled

if TYPE_CHECKING:
    from markupsafe import Markup

    from neonpay.web.speech import Speech


def stars(w: Speech, value: int) -> Markup:
    """Stars as the macro of that name writes them: the glyph, the figure, and a word that is only heard."""
    return filled(
        '<span class="stars{}">{}<svg aria-hidden="true"><use href="#star"/></svg>{}<span class="sr"> {}</span></span>',
        "" if value else " plain",
        "\N{MINUS SIGN}" if value < 0 else "",
        w.number(abs(value)),
        w.count("frame.stars_word", abs(value)),
    )
