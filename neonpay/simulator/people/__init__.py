"""Persons and what they do: talk, press, ask, join, found, pay; and the owner of a bot's Stars."""
