"""Formatted texts and keyboards as Telegram reads them."""
