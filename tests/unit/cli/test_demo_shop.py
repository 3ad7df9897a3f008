"""The shop of ``neonpay demo``, which a reader finds among the examples."""

from __future__ import annotations

from pathlib import Path

from neonpay.cli.demo.shop_process import SHOP

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def test_the_shop_of_the_demo_is_the_one_among_the_examples() -> None:
    assert (EXAMPLES / SHOP.name).read_text(encoding="utf-8") == SHOP.read_text(encoding="utf-8")
