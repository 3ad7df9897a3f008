"""docs/explanation/glossary.md says where each idea is, and it is there."""

from __future__ import annotations

import re
from pathlib import Path

import neonpay
from tests.unit.docs.blocks import page_text

PACKAGE = Path(neonpay.__file__).parent
ROWS = re.findall(r"^\| (\*\*.+?) \|.*\| ([^|]+) \|$", page_text("docs/explanation/glossary.md"), re.MULTILINE)


def is_there(module: str) -> bool:
    path = PACKAGE.joinpath(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_every_word_is_where_the_glossary_says() -> None:
    assert len(ROWS) > 20
    named = [(word, module) for word, where in ROWS for module in re.findall(r"`([\w.]+)`", where)]
    assert [row for row in named if not is_there(row[1])] == []
