"""The reference page of what the simulator does, made from what its code says of itself.

python tools/simulated_methods.py            # rewrites the page
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from neonpay.simulator.methods import SIMULATED, SUBJECTS
from neonpay.simulator.methods.depth import depth_of
from neonpay.simulator.mtproto.methods import METHODS as REQUESTS
from neonpay.simulator.updates.kinds import TOLD
from neonpay.simulator.wire.known import UPDATE_KINDS, known_methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.calls.requests import Method

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "simulated-methods.md"
_STARS = re.compile(r"\bstars?\b|\bgifts?\b|\bpaid\b|\bpayments?\b|\bsubscription", re.IGNORECASE)
_HEAD = """# What is simulated

This page is made from the code, by `make libraries`: each method says there how deep it goes. A method that is not simulated
answers with status 501 and says so; one that the Bot API does not have, with 404. What is refused as Telegram refuses it is not
listed: two prices or tips for Stars, 129 bytes of payload, a Pay button in second place and the like. Words of a refusal that
are not known from Telegram's sources or documentation are marked `UNVERIFIED` in the code.

"""


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page, in Markdown."""
    tables = "".join(f"## {subject}\n\n{_table(methods)}\n" for subject, methods in SUBJECTS.items())
    return f"{_HEAD}{tables}{_updates()}\n{_requests()}\n{_missing()}"


def _table(methods: Mapping[str, Method]) -> str:
    lines = ["| method | what it does | refused with 501 |", "|---|---|---|"]
    for name in sorted(methods):
        depth = depth_of(methods[name])
        if depth is None:
            raise LookupError(f"{name} does not say how deep it is simulated")
        lines.append(f"| `{name}` | {depth.does} | {depth.refuses} |")
    return "\n".join(lines) + "\n"


def _updates() -> str:
    lines = ["## Kinds of updates", "", "| update | made by |", "|---|---|"]
    lines += [f"| `{kind}` | {made_by} |" for kind, made_by in sorted(TOLD.items())]
    never = ", ".join(f"`{kind}`" for kind in sorted(UPDATE_KINDS - TOLD.keys()))
    return "\n".join(lines) + f"\n\nNever told: {never}.\n"


def _requests() -> str:
    lines = [
        "## MTProto requests",
        "",
        "Of clients that `Simulator.adopt` has taken.",
        "",
        "| request | what it does |",
        "|---|---|",
    ]
    for name, request in sorted(REQUESTS.items()):
        if request.__doc__ is None:
            raise LookupError(f"{name} does not say what it does")
        lines.append(f"| `{name}` | {request.__doc__.partition(chr(10))[0].replace('``', '`')} |")
    return "\n".join(lines) + "\n"


def _missing() -> str:
    missing = sorted(known_methods().keys() - SIMULATED.keys())
    about_stars = [name for name in missing if _touches_stars(name)]
    others = [name for name in missing if name not in about_stars]
    return (
        "## Not simulated\n\n"
        f"Methods that have to do with Stars and gifts: {_names(about_stars)}.\n\n"
        f"All others: {_names(others)}.\n"
    )


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _touches_stars(name: str) -> bool:
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", name)
    return _STARS.search(words) is not None


if __name__ == "__main__":
    main()
