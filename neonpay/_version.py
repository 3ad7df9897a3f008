"""The one place that says which release this is; pyproject.toml reads it from here."""

__version__ = "3.0.0.dev0"
