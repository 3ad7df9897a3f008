"""A shop is several programs: whoever records a payment or a refund, the program that has the handler delivers."""

from tests.integration.payments.test_many_programs import *  # noqa: F403  # the same tests, on the ledger of this folder
