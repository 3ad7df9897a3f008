"""The last look before Telegram takes Stars: gates, seats and holds, and an answer within ten seconds."""
