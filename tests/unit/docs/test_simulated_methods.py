"""The page of what is simulated says what the code says."""

from __future__ import annotations

from neonpay.simulator.methods import SIMULATED
from neonpay.simulator.methods.depth import depth_of
from neonpay.simulator.updates.kinds import TOLD
from neonpay.simulator.wire.known import UPDATE_KINDS
from tools.simulated_methods import PAGE, page


def test_every_simulated_method_says_how_deep_it_goes() -> None:
    assert [name for name, method in SIMULATED.items() if depth_of(method) is None] == []


def test_every_kind_of_update_that_is_told_exists() -> None:
    assert TOLD.keys() <= UPDATE_KINDS


def test_the_page_shows_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make libraries"
