"""``/exports``: what the books hold, as files. A form that downloads the sheets of ``neonpay export``."""

from __future__ import annotations

from neonpay.web.pages.exports.page import routes

__all__ = ["routes"]
