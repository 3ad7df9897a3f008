"""A handler that rejects its payment sends the Stars back."""

from tests.integration.payments.test_rejections import *  # noqa: F403  # the same tests, on the ledger of this folder
