"""Files stay small, and nothing in them belongs to one machine."""

from __future__ import annotations

import re
from statistics import median

MOST_LINES = 400
MEDIAN_LINES = 120


def _code_lines(sources: dict[str, str]) -> dict[str, int]:
    return {
        name: text.count("\n")
        for name, text in sources.items()
        if name.startswith("neonpay/") and name.endswith(".py") and "\n" in text
    }


def test_no_file_of_the_package_is_longer_than_400_lines(sources: dict[str, str]) -> None:
    suites = re.compile(r"neonpay/testing/\w+_suite\.py")
    long = {
        name: lines for name, lines in _code_lines(sources).items() if lines > MOST_LINES and not suites.fullmatch(name)
    }
    assert long == {}


def test_half_of_the_files_of_the_package_have_at_most_120_lines(sources: dict[str, str]) -> None:
    assert median(_code_lines(sources).values()) <= MEDIAN_LINES


def test_no_file_names_a_path_of_somebodys_machine_or_the_host_of_a_registry(sources: dict[str, str]) -> None:
    # In two parts each, so that this file does not name them either.
    words = [
        r"/wo" r"rk/(main|shared)",
        r"/fa" r"rm/",
        r"/(bash_jobs|bri" r"ef)/",
        r"/(home|Us" r"ers)/[a-z]+/",
        r"/ro" r"ot/",
        r"python" r"hosted\.org",
        r"pypi" r"\.org/simple",
        r"registry\.npm" r"js",
    ]
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in sources.items()
        for number, line in enumerate(text.splitlines(), 1)
        if any(re.search(word, line) for word in words)
    ]
    assert found == []


def test_no_file_of_the_package_is_left_for_later(sources: dict[str, str]) -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [name for name, text in sources.items() if name.startswith("neonpay/") and words.search(text)]
    assert found == []


def test_all_pages_have_the_same_colours_and_sizes(sources: dict[str, str]) -> None:
    """Neither the pages of a shop nor the simulator may know the other, so each has the tokens beside it."""
    assert sources["neonpay/web/static/tokens.css"] == sources["neonpay/simulator/page/static/tokens.css"]
