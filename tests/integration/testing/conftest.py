"""Here the plugin's own fixtures are used, as users have them, and not those of the folder above."""

from __future__ import annotations

from neonpay.testing.plugin import telegram

__all__ = ["telegram"]
