"""What the navigation leads to: a row for each page of ours, and what extensions bring below them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from aiohttp import web

from neonpay.web.access.visit import visit
from neonpay.web.mount import place
from neonpay.web.part import Part
from neonpay.web.speech import Speech

Group = Literal["main", "more", "ours"]


@dataclass(frozen=True, slots=True)
class PageRow:
    """One page of the dashboard, with whatever lies below its path.

    Attributes:
        name: of its words, ``neonpay.web.words.NAME``, whose sentence ``nav`` is what the navigation calls it.
        path: where it begins.
        icon: a shape of ``shapes.html``.
        routes: what answers there: ``package.module:function``, called without arguments, which gives routes of aiohttp.
        group: ``main`` above the rule, ``more`` below it, ``ours`` at the very end.
        is_in_tab_bar: whether a phone shows it in its bar; the others are behind "More".
        counts: the name of the count that stands beside it, of ``neonpay.web.waiting.Waiting``; the page's own when empty.
    """

    name: str
    path: str
    icon: str
    routes: str
    group: Group = "main"
    is_in_tab_bar: bool = False
    counts: str = ""


Routes = Callable[[], Iterable[web.AbstractRouteDef]]

PAGES: Final[tuple[PageRow, ...]] = (
    PageRow("overview", "/", "i-overview", "neonpay.web.pages.overview:routes", is_in_tab_bar=True),
    PageRow("revenue", "/revenue", "i-bars", "neonpay.web.pages.revenue:routes"),
    PageRow("payments", "/payments", "i-payments", "neonpay.web.pages.payments:routes", is_in_tab_bar=True),
    PageRow("subscriptions", "/subscriptions", "i-subs", "neonpay.web.pages.subscriptions:routes"),
    PageRow("refunds", "/refunds", "i-return", "neonpay.web.pages.refunds:routes", is_in_tab_bar=True),
    PageRow(
        "reconciliation", "/reconciliation", "i-ledger", "neonpay.web.pages.reconciliation:routes", is_in_tab_bar=True
    ),
    PageRow("products", "/products", "i-products", "neonpay.web.pages.products:routes", "more"),
    PageRow("customers", "/customers", "i-people", "neonpay.web.pages.customers:routes", "more"),
    PageRow("funnel", "/funnel", "i-funnel", "neonpay.web.pages.funnel:routes", "more"),
    PageRow("bots", "/bots", "i-bot", "neonpay.web.pages.bots:routes", "more"),
    PageRow("live", "/live", "i-live", "neonpay.web.pages.live:routes", "more"),
    PageRow("exports", "/exports", "i-export", "neonpay.web.pages.exports:routes", group="ours"),
    PageRow("settings", "/settings", "i-lock", "neonpay.web.pages.settings:routes", group="ours"),
    PageRow("audit", "/audit", "i-clock", "neonpay.web.pages.audit:routes", group="ours"),
)
"""In the order of the navigation."""


_GO: Final = MappingProxyType(
    {"overview": "o", "payments": "p", "subscriptions": "s", "refunds": "r", "reconciliation": "l"}
)
"""What is pressed after ``g``."""


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the navigation, as the reader sees it.

    Attributes:
        count: how many things wait there for a person; 0 shows nothing.
        key: what is pressed after ``g`` to come here; empty for none.
    """

    href: str
    title: str
    icon: str
    group: Group
    is_here: bool
    is_in_tab_bar: bool = False
    count: int = 0
    key: str = ""


def is_below(path: str, start: str) -> bool:
    """Whether an address belongs to the page that begins at ``start``."""
    return path == start or (start != "/" and path.startswith(start.rstrip("/") + "/"))


def in_group(links: Sequence[Link], group: Group) -> list[Link]:
    """The links of one group."""
    return [link for link in links if link.group == group]


@dataclass(frozen=True, slots=True)
class Navigation:
    """What the reader can go to.

    Attributes:
        parts: what extensions show beside our own pages, by the names that they are mounted under.
    """

    parts: Sequence[tuple[str, Part]]

    def links(self, request: web.Request, w: Speech) -> list[Link]:
        """The navigation as this reader sees it; empty before anybody has signed in."""
        if visit(request).viewer is None:
            return []
        here, counts = place(request), visit(request).waiting.counts
        links = [
            Link(
                href=row.path,
                title=w(f"{row.name}.nav"),
                icon=row.icon,
                group=row.group,
                is_here=is_below(here, row.path),
                is_in_tab_bar=row.is_in_tab_bar,
                count=counts.get(row.counts or row.name, 0),
                key=_GO.get(row.name, ""),
            )
            for row in PAGES
        ]
        for name, part in self.parts:
            href = f"/{name}/"
            links.append(Link(href, part.title_in(w.language), "i-plus", "more", here.startswith(href)))
        return links


NAVIGATION: Final = web.AppKey("NAVIGATION", Navigation)
