"""What a bot is told, and how it gets it."""
