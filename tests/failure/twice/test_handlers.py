"""Payment handlers: how they are registered, what they are given, and their three exactly-once forms."""

from tests.integration.payments.test_handlers import *  # noqa: F403  # the same tests, on the ledger of this folder
