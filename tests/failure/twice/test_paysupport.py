"""/paysupport, /terms and /support: from a buyer's question to an answer."""

from tests.integration.support.test_paysupport import *  # noqa: F403  # the same tests, on the ledger of this folder
