"""A charge that has arrived becomes a payment, exactly once: with its journal entry, its event and its jobs."""
