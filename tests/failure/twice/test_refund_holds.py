"""From the moment a refund is intended nothing is delivered that has not begun, until it is known whether the Stars go back."""

from tests.integration.payments.test_refund_holds import *  # noqa: F403  # the same tests, on the ledger of this folder
