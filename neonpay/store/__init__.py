"""What the ledger keeps, row by row: one builder for the rows of each table, and what several rooms read or write."""
