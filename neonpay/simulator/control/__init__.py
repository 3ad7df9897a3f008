"""The control API: people and time played from another process."""
