"""The table of bot libraries in README.md and in the documentation, made from what the adapters say of themselves.

python tools/library_table.py            # rewrites the pages
python tools/library_table.py --check    # 1 when a page differs
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

from neonpay.adapters import ADAPTERS, AdapterSpec
from neonpay.core.ports import Capabilities, Level, Route

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- libraries: made by tools/library_table.py -->", "<!-- end of libraries -->"
PAGES = {"README.md": "docs/howto/", "docs/reference/libraries.md": "../howto/"}
_GUIDES = {
    "botapi": "bot-token",
    "hydrogram": "pyrogram",
    "kurigram": "pyrogram",
    "pyrofork": "pyrogram",
    "telebot_async": "telebot",
}


def main() -> None:
    """Rewrite the pages."""
    for name, guides in PAGES.items():
        path = ROOT / name
        path.write_text(with_table(path.read_text(encoding="utf-8"), table(guides)), encoding="utf-8")


def with_table(page: str, made: str) -> str:
    """The page with this table between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{made}{END}{after}"


def table(guides: str) -> str:
    """Markdown, a line for each library."""
    head = (
        "| library | extra | a payment is recorded | checkouts are answered by | other calls go by "
        "| a refund made elsewhere is seen | sent while the bot was off | a cancelled subscription is told of |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(_line(spec, guides) for spec in ADAPTERS)


def _line(spec: AdapterSpec, guides: str) -> str:
    can = _capabilities(spec)
    name = "a bare token" if not spec.library_root else f"{spec.distribution} ≥ {spec.minimum}"
    if spec.name.endswith("_async"):
        name += ", async"
    guide = f"{guides}{_GUIDES.get(spec.name, spec.name)}.md"
    if (ROOT / "docs" / "howto" / Path(guide).name).is_file():
        name = f"[{name}]({guide})"
    cells = (
        name,
        f"`{spec.extra}`",
        "before Telegram is told" if can.level is Level.A else "at once",
        _route(can.checkouts),
        _route(can.calls),
        "at once" if can.refund_updates else "by comparison",
        "arrives" if can.missed_updates else "found by comparison",
        "at once" if can.subscription_updates else "no",
    )
    return f"| {' | '.join(cells)} |\n"


def _route(route: Route) -> str:
    return "the library" if route is Route.LIBRARY else "HTTP of ours"


def _capabilities(spec: AdapterSpec) -> Capabilities:
    module = importlib.import_module(spec.module)
    by_name: dict[str, Capabilities] = getattr(module, "CAPABILITIES", {})
    for _, kind in inspect.getmembers(module, inspect.isclass):
        can = getattr(kind, "capabilities", None)
        if getattr(kind, "library", None) == spec.name and isinstance(can, Capabilities):
            by_name = {**by_name, spec.name: can}
    return by_name[spec.name]


if __name__ == "__main__":
    main()
