"""Every block of the tutorial is a test file that passes as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "tutorial" / "test-your-payments.md"
FILES = {
    match.group(1): match.group(2)
    for match in re.finditer(
        r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```$",
        PAGE.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
}


def test_there_is_a_section_for_each_library():
    assert len(FILES) == 8


@pytest.mark.parametrize("section", FILES)
def test_the_block_of_a_section_passes(pytester: pytest.Pytester, section: str) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(FILES[section])
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes().keys() <= {"passed", "warnings", "warning"}
