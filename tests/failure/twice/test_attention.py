"""Money that arrived is always recorded; what nobody can deliver waits for a person."""

from tests.integration.payments.test_attention import *  # noqa: F403  # the same tests, on the ledger of this folder
