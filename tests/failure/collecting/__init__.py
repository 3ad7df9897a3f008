"""Programs of a centre and its bots, for tests that kill them."""
