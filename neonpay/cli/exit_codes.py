"""What commands end with, beside 0; 2 is one that was written wrongly."""

from __future__ import annotations

from typing import Final

FOUND: Final = 1
"""It did what it was asked to do, and has found something wrong."""
COULD_NOT: Final = 3
"""It could not do what it was asked to do, or would have changed nothing."""
