"""Who delivers in a shop: declared by each program, kept in the ledger, and planned from there."""
