"""What the demo prints and draws."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.console import Console

from neonpay.cli.demo.screen import Promise, Screen, save_picture, shortened


def test_the_picture_needs_no_file_from_elsewhere(tmp_path: Path) -> None:
    console = Console(record=True, width=100, file=io.StringIO())
    screen = Screen(console, scenes=1)
    screen.scene("Ann buys a coffee")
    screen.line("shop", "invoice ★", style="magenta", call="sendInvoice")
    save_picture(console, tmp_path / "demo.svg")
    svg = (tmp_path / "demo.svg").read_text(encoding="utf-8")
    assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own text
    assert "sendInvoice" in svg
    assert re.findall(r"url\((?!#)[^)]*\)|@import|@font-face|href=", svg) == []


def test_a_promise_that_was_not_kept_is_said_again_at_the_end() -> None:
    out = io.StringIO()
    promises = [Promise("delivered once"), Promise("nothing lost", "expected 1, found 0")]
    Screen(Console(file=out, width=100), scenes=1).result(promises)
    assert "✗ nothing lost; but expected 1, found 0" in out.getvalue()
    assert "1 of 2 promises kept." in out.getvalue()
    assert "✓" not in out.getvalue()


def test_only_long_charge_ids_are_shortened() -> None:
    assert shortened("stx1") == "stx1"
    assert shortened("stx" + "a" * 140) == "stxaaaaaaaaa…"
