"""The parts that a text asks its values for, and those that a number or a text has not."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jinja2 import nodes

Plain = int | float | str
"""A value without parts of its own; what Python's numbers and texts can do, such as ``upper``, a text may ask for."""

EVERYWHERE: Final[Mapping[str, Plain]] = {
    "amount_stars": 0,
    "bot_id": 0,
    "charge_id": "",
    "event_id": "",
    "invoice_id": "",
    "stage_id": "",
    "user_id": 0,
}
"""What is plain under its name wherever neonpay has that name; other names of a program may be anything."""


def asked_parts(tree: nodes.Template) -> frozenset[tuple[str, str]]:
    """Each value with each part that a text asks it for; without names to which the text itself gives a value."""
    from jinja2 import nodes  # an extra, which is there where a text was parsed

    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    found = [(asked.node, asked.attr) for asked in tree.find_all(nodes.Getattr)]
    keyed = ((asked.node, asked.arg) for asked in tree.find_all(nodes.Getitem))
    found += [(of, key.value) for of, key in keyed if isinstance(key, nodes.Const) and isinstance(key.value, str)]
    return frozenset((of.name, part) for of, part in found if isinstance(of, nodes.Name) and of.name not in own)


def missing_part(asked: Collection[tuple[str, str]], plain: Mapping[str, Plain]) -> str | None:
    """What is wrong with the first part that a plain value has not, and what to write; None when there is none such.

    Args:
        plain: a value as each name has it that is plain.
    """
    for name, part in sorted(asked):
        if name not in plain:
            continue
        value = plain[name]
        has = [each for each in dir(value) if not each.startswith("_")]  # the sandbox gives nothing else out
        if part in has:
            continue
        near = difflib.get_close_matches(part, has, n=1)
        instead = f"did you mean {name}.{near[0]}?" if near else f"write {{{{ {name} }}}}"
        kind = "text" if isinstance(value, str) else "number"
        return f"shows {name}.{part}, and {name} is a {kind}, which has no {part}; {instead}"
    return None
