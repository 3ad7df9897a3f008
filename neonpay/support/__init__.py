"""What Telegram asks of a shop that takes Stars: /paysupport, /terms and /support, answered by the bot itself."""
