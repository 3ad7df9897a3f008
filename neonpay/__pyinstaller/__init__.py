"""What PyInstaller asks about this package, by the entry point group ``pyinstaller40``; nothing else imports it."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """The folder with our hook."""
    return [str(Path(__file__).parent)]
