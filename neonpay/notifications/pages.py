"""Buttons that lead to the dashboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlsplit

from neonpay.core.events import Event
from neonpay.core.jsontext import JsonValue
from neonpay.core.words import Words
from neonpay.errors import ConfigurationError
from neonpay.notifications.config import check_url

_OPEN: Final = Words("Open")
_DIGEST: Final = "sha256:"
"""How the key of a charge begins whose id at Telegram is too long for one."""


Says = Callable[..., str]
"""Says words with their values, given a key for the host's translator first."""


class Pages:
    """Where the dashboard is, if it is anywhere.

    Args:
        url: its address as owners reach it, such as ``https://shop.example.com/panel``.
        says: words for the owners.

    Raises:
        ConfigurationError: the address is none that Telegram takes for a button.
    """

    def __init__(self, url: str | None, says: Says) -> None:
        if url is not None:
            host = urlsplit(check_url("dashboard_url", url)).hostname or ""
            if "." not in host and ":" not in host:
                msg = f"dashboard_url leads to {host!r}, which Telegram takes for no button; give the name that owners reach"
                raise ConfigurationError(msg)
        self._url = None if url is None else url.rstrip("/")
        self._says = says

    def about(self, event: Event) -> list[JsonValue]:
        """The buttons that open the page of an event's payment."""
        if event.charge_id is None or event.charge_id.startswith(_DIGEST):
            return self.first()
        return self._opens(f"/payments/{event.bot_id}/{quote(event.charge_id, safe='')}")

    def first(self) -> list[JsonValue]:
        """The buttons that open the first page."""
        return self._opens("/")

    def _opens(self, path: str) -> list[JsonValue]:
        if self._url is None:
            return []
        return [{"text": self._says("alert.button.open", _OPEN), "url": f"{self._url}{path}"}]
