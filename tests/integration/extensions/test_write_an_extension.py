"""The guide's extension, as its page shows it: the hundredth buyer gets a badge, and a refund takes it back."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from neonpay.extensions import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator import Buyer, Outcome
    from tests.integration.conftest import MovableClock, Shop

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "extension_badge"
PAGE = (ROOT / "docs" / "howto" / "write-an-extension.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
SUITE = FILES.pop("test_badges.py")


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLE)


def test_the_page_shows_the_files_of_the_example_and_all_of_them() -> None:
    there = {path.relative_to(EXAMPLE).as_posix() for path in EXAMPLE.rglob("*") if path.suffix in {".py", ".toml"}}
    assert there - {"neonpay_badge/__init__.py"} == FILES.keys()
    for name, text in FILES.items():
        assert (EXAMPLE / name).read_text(encoding="utf-8") == text, name


def test_the_entry_point_leads_to_the_parts_of_the_extension() -> None:
    points = tomllib.loads(FILES["pyproject.toml"])["project"]["entry-points"]["neonpay.extensions"]
    ((name, target),) = points.items()
    module, _, attribute = target.partition(":")
    spec = getattr(import_module(module), attribute)
    assert spec.name == name
    parts: dict[str, Any] = {part: load(spec, part) for part in spec.parts}
    assert parts["factory"].name == name
    assert parts.keys() == {"factory", "tables", "commands"}


async def buy(shop: Shop, count: int) -> list[tuple[Buyer, Outcome]]:
    """As many people buy, one after the other."""
    made: list[tuple[Buyer, Outcome]] = []
    for number in range(count):
        buyer = await shop.visitor(f"Buyer {number + 1}")
        made.append((buyer, await shop.sells(buyer)))
        assert shop.clock is not None
        shop.clock.advance(0.001)  # type: ignore[attr-defined]  # who came first is told by the time
    return made


async def test_the_hundredth_buyer_gets_a_badge_and_a_refund_takes_it_back(
    open_shop: Callable[..., Shop], database_url: str, clock: MovableClock
) -> None:
    shop = open_shop()
    badges = shop.neonpay.use(import_module("neonpay_badge.badges").Badges(limit=100))

    @shop.neonpay.on_payment(name="deliver")
    async def deliver() -> None:
        pass

    async with shop.polling():
        sales = await buy(shop, 101)
        buyers = [buyer.id for buyer, _ in sales]
        assert await badges.having() == buyers[:100]
        hundredth, last = sales[99][0], sales[100][0]
        told = await hundredth.hears(shop.account, containing="badge")
        assert told.text == "You have badge number 100."

        result = CliRunner().invoke(
            import_module("neonpay_badge.commands").commands,
            [str(shop.neonpay.program.adapter.bot_id), "--database-url", database_url],
        )
        assert result.output.splitlines()[99] == f"100 {hundredth.id}"
        assert len(result.output.splitlines()) == 100

        await shop.neonpay.refund(sales[0][1].charge_id or "")
        await shop.settles()
        assert await badges.having() == [*buyers[1:100], last.id]


def test_the_extension_passes_the_suite_as_the_page_shows_it(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-k", "shown_again or quoted_alike")
    result.assert_outcomes(passed=2, deselected=13)
