"""Telegram's numbers: nobody has to believe one, each says where it was read and when."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

import pytest

from neonpay.core import limits
from neonpay.core.stages import STAGE_ID_MAX_BYTES

UNITS = ("_CHARS", "_BYTES", "_S", "_STARS", "_LIMIT")
READ_ON = re.compile(r"https://[^\s,)]+,?[^*]*?\(?read 20\d\d-\d\d-\d\d\)?", re.DOTALL)
TREE = ast.parse(inspect.getsource(limits))


def documented() -> Iterator[tuple[str, str]]:
    """Names of the module's constants, and the docstring that follows each."""
    for statement, following in zip(TREE.body, [*TREE.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign | ast.Assign):
            targets = [statement.target] if isinstance(statement, ast.AnnAssign) else statement.targets
            doc = ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                doc = str(following.value.value)
            yield from ((ast.unparse(target), doc) for target in targets)


def sources() -> dict[str, str]:
    """The letters under which the module's docstring lists its sources."""
    return dict(re.findall(r"^\* (\w+): (.+?)(?=^\*|^$)", limits.__doc__ or "", re.DOTALL | re.MULTILINE))


def test_all_numbers_are_there_to_be_checked() -> None:
    assert {name for name, _ in documented()} == {name for name in vars(limits) if name.isupper()}


def test_every_source_has_an_address_and_a_day() -> None:
    assert sources()
    assert [letter for letter, words in sources().items() if not READ_ON.search(words)] == []


@pytest.mark.parametrize(("name", "doc"), list(documented()))
def test_every_number_names_its_source(name: str, doc: str) -> None:
    assert re.search(rf"\b({'|'.join(sources())})\b", doc) or READ_ON.search(doc), (
        f"{name} does not say where it is from"
    )


@pytest.mark.parametrize("name", [name for name in vars(limits) if name.isupper() and name != "CURRENCY"])
def test_every_number_names_its_unit(name: str) -> None:
    assert name.endswith(UNITS) or name.endswith("_PER_S")


def test_a_payload_has_room_for_the_longest_stage_id() -> None:
    prefix, tag, invoice_id, price, dots = 4, 22, 22, 8, 3
    assert prefix + tag + invoice_id + price + dots + STAGE_ID_MAX_BYTES <= limits.PAYLOAD_MAX_BYTES
