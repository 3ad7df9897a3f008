"""An event that another program is to tell of is looked at less and less often, and once a minute at least."""

from __future__ import annotations

import pytest

from neonpay.payments.delivery.extension_jobs import left_for_s


@pytest.mark.parametrize(("age_s", "pause_s"), [(-5, 2), (0, 2), (40, 20), (120, 60), (130, 60), (86_400, 60)])
def test_an_event_is_left_for_half_its_age_within_bounds(age_s: float, pause_s: float) -> None:
    assert left_for_s(age_s) == pause_s
