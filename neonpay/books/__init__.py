"""The books: sealed, proved, handed over and moved to another database."""
