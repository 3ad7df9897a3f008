"""What owners are told of without having written a rule: what needs a person, and sales and declined checkouts when asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from neonpay.core.clock import moment
from neonpay.core.events import event_type
from neonpay.errors import ConfigurationError
from neonpay.notifications.kinds import NotificationPriority, NotificationType
from neonpay.notifications.parts import Plain
from neonpay.notifications.report import DAYS, VARIABLES
from neonpay.notifications.rules import Rule, plain_values_of, variables_of
from neonpay.notifications.templates import NotificationTemplate, Templates
from neonpay.notifications.troubles import KINDS

NEEDS_A_PERSON: Final = frozenset(
    {
        "payment_needs_attention",
        "fulfilment_abandoned",
        "refund_failed",
        "balance_drifted",
        "withdrawal_failed",
    }
)
SPOILT: Final = frozenset({"payment_unexplained"})
"""Told at night as well: an update may have been forged."""
SALES: Final = frozenset({"payment_completed"})
DECLINED: Final = frozenset({"checkout_declined"})
TOLD: Final = NEEDS_A_PERSON | SPOILT | SALES | DECLINED
REPORTS: Final = ("daily", "weekly")
DECLINED_GATHER_S: Final = 300.0


def alert_rules(
    *,
    channel: NotificationType = NotificationType.TELEGRAM,
    recipients: tuple[str, ...] = (),
    sales: bool = False,
    declined: bool = False,
    own: Collection[str] = (),
) -> list[Rule]:
    """The rules of alerts, under names that stay, whoever writes what they say.

    Args:
        sales: tell of each sale.
        declined: tell of declined checkouts, those of five minutes together.
        own: names of events that templates of the program write, called ``alerts.EVENT``.
    """
    sets: list[tuple[str, frozenset[str], NotificationPriority, float]] = [
        ("alerts", NEEDS_A_PERSON, NotificationPriority.HIGH, 0.0),
        ("alerts.spoilt", SPOILT, NotificationPriority.CRITICAL, 0.0),
    ]
    if sales:
        sets.append(("alerts.sales", SALES, NotificationPriority.NORMAL, 0.0))
    if declined:
        sets.append(("alerts.declined", DECLINED, NotificationPriority.NORMAL, DECLINED_GATHER_S))
    rules = []
    for name, events, priority, gather_s in sets:
        for template, those in _by_template(events, own).items():
            rules.append(
                Rule(
                    name=name,
                    events=those,
                    channel=channel,
                    recipients=recipients,
                    template=template,
                    priority=priority,
                    gather_s=gather_s,
                )
            )
    return rules


def add_own_text(templates: Templates, name: str, text: str) -> None:
    """Take the program's own words for one alert: the first line is the subject, the rest the body.

    Args:
        name: of the event, or of what else is told.

    Raises:
        ConfigurationError: no alert is about such an event, or the text shows what it has not.
    """
    if name in KINDS:
        variables: Collection[str] = KINDS[name].variables
        plain: Mapping[str, Plain] = {each: 0 if each == "count" else "" for each in variables}
    elif name in REPORTS:
        variables = VARIABLES
        plain = {each: "" if each in DAYS else 0 for each in variables}
    else:
        variables, plain = variables_of_event(name), plain_values_of(event_type(name))
    subject, _, body = text.strip().partition("\n")
    template = NotificationTemplate(
        name=template_name(name),
        notification_type=NotificationType.TELEGRAM,
        subject=subject.strip(),
        body=body.strip(),
        variables=tuple(variables),
    )
    templates.add(template, plain)


def template_name(name: str) -> str:
    """What the program's own template for an alert is called."""
    return f"alerts.{name}"


def variables_of_event(name: str) -> list[str]:
    """Names of all values that a text about an event may show.

    Raises:
        ConfigurationError: no alert is about such an event.
    """
    if name not in TOLD:
        msg = f"there is no alert {name!r}; there are: {', '.join(sorted({*TOLD, *KINDS, *REPORTS}))}"
        raise ConfigurationError(msg)
    return sorted(variables_of(event_type(name)(bot_id=0, event_id="", at=moment(0))))


def _by_template(events: frozenset[str], own: Collection[str]) -> Mapping[str | None, frozenset[str]]:
    written = {event for event in events if event in own}
    found: dict[str | None, frozenset[str]] = {template_name(event): frozenset({event}) for event in sorted(written)}
    if events - written:
        found[None] = events - written
    return found
