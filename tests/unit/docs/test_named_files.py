"""What the pages say is in the tree is there."""

from __future__ import annotations

import re

from tests.unit.docs.blocks import PAGES, ROOT, page_text

_PATH = re.compile(r"`((?:benchmarks|docs|examples|neonpay|tests|tools)/[\w./-]*\w/?)[ `]|pytest (tests/[\w./-]+\.py)")
_MADE = {"docs/_build/html"}
"""Is there after `make docs`."""


def test_every_file_and_folder_that_a_page_names_is_there() -> None:
    named = {(page, found[1] or found[2]) for page in PAGES for found in _PATH.finditer(page_text(page))}
    assert len(named) > 10
    missing = {(page, path) for page, path in named if not (ROOT / path.replace("LANGUAGE", "ru")).exists()}
    assert {row for row in missing if row[1] not in _MADE} == set()
