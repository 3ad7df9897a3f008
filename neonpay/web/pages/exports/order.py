"""What somebody asks for in the form of exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from neonpay.books.paper import Format
from neonpay.core.sheets import Sheet
from neonpay.store.payment_filter import Selection


@dataclass(frozen=True, slots=True)
class Order:
    """A sheet to be made.

    Attributes:
        first, last: days of the zone, both of them in; None for no bound.
        with_names: whether the names of buyers are wanted.
    """

    sheet: Sheet
    format: Format
    first: date | None = None
    last: date | None = None
    with_names: bool = False

    @classmethod
    def read(cls, form: Mapping[str, object]) -> Order:
        """The order of a form; raises ValueError when it names what there is not, or ends before it begins."""
        order = cls(
            sheet=Sheet(str(form.get("sheet", ""))),
            format=Format(str(form.get("format", ""))),
            first=_day(form.get("since")),
            last=_day(form.get("until")),
            with_names=form.get("names") == "1",
        )
        if order.first is not None and order.last is not None and order.last < order.first:
            msg = "it ends before it begins"
            raise ValueError(msg)
        return order

    def selection(self, zone: tzinfo) -> Selection:
        """The rows that are meant."""
        since = None if self.first is None else datetime.combine(self.first, time(), tzinfo=zone)
        until = None if self.last is None else datetime.combine(self.last + timedelta(days=1), time(), tzinfo=zone)
        return Selection(since=since, until=until)

    @property
    def file_name(self) -> str:
        """What the file is called: the sheet and its days."""
        days = "-".join(str(day) for day in (self.first, self.last) if day is not None)
        return f"neonpay-{self.sheet.value}{f'-{days}' if days else ''}.{self.format.value}"


def _day(given: object) -> date | None:
    text = str(given or "")
    day = date.fromisoformat(text) if text else None
    if day is not None and not date.min < day < date.max:
        msg = "a day at the end of time has no neighbour"
        raise ValueError(msg)
    return day
