"""Distributions that bring extensions, written into a folder as pip would put them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SPEC = """
from neonpay.extensions import ExtensionSpec

SPEC = ExtensionSpec(
    name="loyalty",
    factory="loyalty_points:Points",
    commands="loyalty_points.commands:commands",
    pages="loyalty_points.pages:pages",
    extra="redis",
    help="Points for what people buy.",
)
"""
COMMANDS = """
import typer

commands = typer.Typer(help="Points for what people buy.", no_args_is_help=True)


@commands.command()
def give(points: int) -> None:
    print(f"{points} points given")
"""
PAGES = """
from aiohttp import web

from neonpay.web import Html, Part, page


def pages(neonpay):
    async def overview(request):
        return page(request, title="Points", body=Html(f"<p>Points of bot {neonpay.program.adapter.bot_id}</p>"))

    async def fail(request):
        raise RuntimeError("the secret of the points")

    app = web.Application()
    app.router.add_get("/", overview)
    app.router.add_get("/fail", fail)
    return Part(app, title={"en": "Points", "ru": "Баллы"})
"""
LOYALTY: Mapping[str, str] = {
    "loyalty_spec.py": SPEC,
    "loyalty_points/__init__.py": "class Points: ...\n",
    "loyalty_points/commands.py": COMMANDS,
    "loyalty_points/pages.py": PAGES,
}
"""The files of a distribution that brings an extension with everything."""


def install(place: Path, distribution: str, entries: Mapping[str, str], files: Mapping[str, str] | None = None) -> None:
    """Put a distribution with entry points and files into a folder that is, or will be, on the path of Python.

    Args:
        entries: names of extensions, and what leads to their specs.
    """
    for name, text in (files or {}).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    metadata = place / f"{distribution.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n", encoding="utf-8")
    lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
    (metadata / "entry_points.txt").write_text(f"[neonpay.extensions]\n{lines}", encoding="utf-8")


def install_loyalty(place: Path) -> None:
    """Put the distribution ``neonpay-loyalty`` with its extension ``loyalty`` into a folder."""
    install(place, "neonpay-loyalty", {"loyalty": "loyalty_spec:SPEC"}, LOYALTY)
