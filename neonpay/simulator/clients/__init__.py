"""Bot libraries that reach the simulator without a socket, through the seam that each has for that."""

from __future__ import annotations

from typing import Final

NOWHERE: Final = "http://telegram.invalid"
"""The address that such a client is given; a name under ``.invalid`` never leads anywhere (RFC 2606, section 2)."""
