"""Where extensions are asked: each with a whole batch, in a savepoint of its own, and only those that have the hook."""
