"""The chat page: people, their chats with the bot, what passes on the wire, faults and time, in a browser."""

from __future__ import annotations

from neonpay.simulator.page.routes import add_page

__all__ = ["add_page"]
