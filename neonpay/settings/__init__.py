"""Settings of every module, read in one way: arguments, then variables, then ``neonpay.toml``, then defaults.

A module declares a ``Section`` and asks ``settings_of`` for it. msgspec is imported with this package, which nothing
imports before settings are read.
"""

from __future__ import annotations

from neonpay.settings.left_out import LEFT_OUT, LeftOut
from neonpay.settings.section import Secret, Section
from neonpay.settings.sources import Sources, settings_of

__all__ = ["LEFT_OUT", "LeftOut", "Secret", "Section", "Sources", "settings_of"]
