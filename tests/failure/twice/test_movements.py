"""Whatever else moves the bot's Stars is in the journal once, and the balance is what all of it adds up to."""

from tests.integration.reconcile.test_movements import *  # noqa: F403  # the same tests, on the ledger of this folder
