"""The application: the object that a program has, and what it is put together from."""

from neonpay.app.core import DEFAULT_DATABASE_URL, NeonPayCore

__all__ = ["DEFAULT_DATABASE_URL", "NeonPayCore"]
