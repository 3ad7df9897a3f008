"""Holds as their units keep them: whatever runs twice, as after a commit whose answer was lost, changes nothing again."""

from tests.integration.payments.test_holds import *  # noqa: F403  # the same tests, on the ledger of this folder
