"""What the marks of a test say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def telegram_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the nearest ``telegram`` mark says."""
    mark = request.node.get_closest_marker("telegram")
    return {} if mark is None else dict(mark.kwargs)
