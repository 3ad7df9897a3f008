"""Whether a rule can ever tell of anything, asked when the program starts and not when money moves."""

from __future__ import annotations

from neonpay.core.clock import moment
from neonpay.core.events import event_names, event_type
from neonpay.errors import ConfigurationError
from neonpay.notifications.rules import Rule, plain_values_of, variables_of
from neonpay.notifications.templates import Templates


def check_rule(rule: Rule, templates: Templates) -> None:
    """Return when there are such events and such a template, which shows nothing that one of the events has not.

    Raises:
        ConfigurationError: it is not so.
    """
    known = event_names()
    for name in sorted(rule.events):
        if name not in known:
            msg = f"rule {rule.name!r} is about {name!r}, and there is no such event; there are: {', '.join(known)}"
            raise ConfigurationError(msg)
        if rule.template is None:
            continue
        try:
            has = variables_of(event_type(name)(bot_id=0, event_id="", at=moment(0)))
        except TypeError:
            continue  # a kind of somebody else's, whose fields only its own program can fill
        lacks = [each for each in templates.find(rule.template).variables if each not in has]
        if lacks:
            msg = f"rule {rule.name!r} writes {name} by template {rule.template!r}, which shows {', '.join(lacks)}; it has none"
            raise ConfigurationError(msg)
        missing = templates.missing_part(rule.template, plain_values_of(event_type(name)))
        if missing is not None:
            msg = f"rule {rule.name!r} writes {name} by template {rule.template!r}, which {missing}"
            raise ConfigurationError(msg)
