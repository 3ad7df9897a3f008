"""The walk goes on where it stopped, one worker at a time, and notices a list that is not the same any more."""

from tests.integration.reconcile.test_walk import *  # noqa: F403  # the same tests, on the ledger of this folder
