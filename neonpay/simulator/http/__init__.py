"""A bot's address, over HTTP and without it."""
