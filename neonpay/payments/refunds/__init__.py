"""Stars on their way back: intended, asked of Telegram, settled; and what buyers ask of a person."""
