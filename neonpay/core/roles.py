"""What a program does in a shop that several programs make up."""

from __future__ import annotations

import enum


class Role(enum.StrEnum):
    """What a program says that it is. All programs of a shop share one ledger, and payments find whoever delivers them."""

    DELIVERS = "delivers"
    """Sells and delivers: its handlers are declared to the shop, and jobs for them are run here. What a bot is."""
    OFFERS = "offers"
    """Sells, refunds and decides, and runs no handler, even when it has imported some. What a panel or a web shop is."""
    READS = "reads"
    """Looks at payments and changes nothing. What a report is."""
