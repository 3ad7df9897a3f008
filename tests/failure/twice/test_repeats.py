"""The same charge twice, and one invoice paid more than once."""

from tests.integration.payments.test_repeats import *  # noqa: F403  # the same tests, on the ledger of this folder
