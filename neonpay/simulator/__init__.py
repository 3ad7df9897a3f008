"""A local Telegram for Stars payments: try any bot without a token, without Telegram and without a Star."""
