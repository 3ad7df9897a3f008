"""The comparison of the ledger with Telegram's list of transactions."""
