"""What adapters share: the payment facts of an update, and calls by HTTP where a library has none."""
