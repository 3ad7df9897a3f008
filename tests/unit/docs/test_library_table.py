"""The table of libraries says what the adapters say."""

from __future__ import annotations

import pytest

from tools.library_table import PAGES, ROOT, table, with_table


@pytest.mark.parametrize(("name", "guides"), PAGES.items())
def test_a_page_shows_what_the_adapters_can_do(name: str, guides: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    assert page == with_table(page, table(guides)), "run: make libraries"
