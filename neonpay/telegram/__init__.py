"""Our own way to Telegram: calls at the rate that it allows."""
