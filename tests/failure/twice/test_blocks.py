"""A blocked user buys nothing, and loses nothing that is paid."""

from tests.integration.security.test_blocks import *  # noqa: F403  # the same tests, on the ledger of this folder
