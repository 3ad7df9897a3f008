"""Who may go on: a worker that lost its job, one that stops, one whose clock jumps, one that died too often."""

from tests.integration.payments.test_fences import *  # noqa: F403  # the same tests, on the ledger of this folder
