"""Invoices: what goes wrong when one is sent, and what a repeated call does."""

from tests.integration.payments.test_sending import *  # noqa: F403  # the same tests, on the ledger of this folder
