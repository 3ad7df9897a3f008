"""The page of webhooks has every event that the core publishes, with the fields that it has of its own."""

from __future__ import annotations

import re
from dataclasses import fields

from neonpay.core import events
from neonpay.core.events import Event
from tests.unit.docs.blocks import page_text


def test_the_page_has_every_event_with_its_own_fields() -> None:
    common = len(fields(Event))
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event) and kind.name]
    expected = {kind.name: [field.name for field in fields(kind)[common:]] for kind in kinds}
    part = page_text("docs/reference/webhooks.md").split("\n## Events\n", 1)[1]
    rows = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| `")]
    assert {row[0].strip("`"): re.findall(r"`(\w+)`", row[3]) if len(row) > 3 else [] for row in rows} == expected
