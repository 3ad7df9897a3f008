"""All that is rolled up, each by a task with a position of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from neonpay.analytics import cohort_rollup, language_rollup, marks, source_rollup
from neonpay.analytics.rollups import STATEMENTS, Renew, renew_rollups
from neonpay.ledger import Statement
from neonpay.store import first_touches, payers_languages


class Rollup(NamedTuple):
    """What one task keeps.

    Attributes:
        task: its name within the extension.
        statements: of ``renew``, those that take long to make.
    """

    task: str
    renew: Renew
    statements: Sequence[Statement]

    @property
    def duty(self) -> str:
        """Its name among the periodic tasks of a bot."""
        return f"analytics:{self.task}"


ROLLUPS: Final = (
    Rollup(marks.TASK, renew_rollups, STATEMENTS),
    Rollup(cohort_rollup.TASK, cohort_rollup.renew_cohorts, ()),
    Rollup(payers_languages.TASK, language_rollup.renew_languages, language_rollup.STATEMENTS),
    Rollup(first_touches.TASK, source_rollup.renew_sources, source_rollup.STATEMENTS),
)
"""In the order in which ``refresh`` renews them."""
