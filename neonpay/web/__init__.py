"""The pages of a shop for a browser: a frame, and in it whatever the extensions that are installed bring.

It needs the extra ``web``; a program that does not import it pays nothing for it.
"""

from __future__ import annotations

from neonpay.errors import ConfigurationError
from neonpay.installing import install_line

try:
    import aiohttp  # noqa: F401
    import argon2  # noqa: F401
    import jinja2  # noqa: F401
except ModuleNotFoundError as error:
    if error.name not in {"aiohttp", "argon2", "jinja2"}:
        raise
    msg = f"the dashboard needs {error.name}; run: {install_line('web')}"
    raise ConfigurationError(msg) from error

from neonpay.web.access import form_token
from neonpay.web.application import create_dashboard_app
from neonpay.web.part import Html, Part, language, page
from neonpay.web.running import run_dashboard
from neonpay.web.serving import serving

__all__ = ["Html", "Part", "create_dashboard_app", "form_token", "language", "page", "run_dashboard", "serving"]
