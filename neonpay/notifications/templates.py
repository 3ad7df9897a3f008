"""Texts with places for values: those of the guide in two languages, and the program's own, checked when they are defined."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from neonpay.core.words import NEONPAY, Words
from neonpay.errors import ConfigurationError, ValidationError
from neonpay.installing import install_line
from neonpay.notifications.guided import GUIDED, Guided
from neonpay.notifications.host_words import HostWords, Translator
from neonpay.notifications.kinds import NotificationPriority, NotificationType
from neonpay.notifications.parts import EVERYWHERE, Plain, asked_parts, missing_part

logger = logging.getLogger("neonpay.notifications")

TEXT_MAX_CHARS: Final = 16_000
_OLD_PLACE: Final = re.compile(r"(?<![{%#]){([A-Za-z_]\w*)}(?!})")
"""A value in single braces, as the guide's own templates have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationTemplate:
    """One text.

    Attributes:
        variables: names of all values that it may show.
    """

    name: str
    notification_type: NotificationType
    subject: str
    body: str
    variables: tuple[str, ...] = ()
    priority: NotificationPriority = NotificationPriority.NORMAL


class _Text(Protocol):
    def __call__(self, variables: Mapping[str, Any], language_code: str | None, /) -> tuple[str, str]: ...


@dataclass(frozen=True, slots=True)
class _Kept:
    template: NotificationTemplate
    write: _Text
    is_ours: bool
    asked: frozenset[tuple[str, str]] = frozenset()


class Templates:
    """The templates of a program.

    Args:
        translate: asked before ours for each text of our own templates.
    """

    def __init__(self, translate: Translator | None = None) -> None:
        self._host = HostWords(translate)
        self._kept = {row.name: _Kept(_template(row), self._ours(row), is_ours=True) for row in GUIDED}

    def names(self) -> list[str]:
        """All of them, sorted."""
        return sorted(self._kept)

    def find(self, name: str) -> NotificationTemplate:
        """The template of a name.

        Raises:
            ConfigurationError: there is none; the message lists those that there are.
        """
        return self._found(name).template

    def add(self, template: NotificationTemplate, plain: Mapping[str, Plain] = EVERYWHERE) -> None:
        """Add a template, in place of another one of its name.

        It is written in Jinja2 (https://jinja.palletsprojects.com), in which a template can reach nothing but its values;
        ``{name}`` is taken as ``{{ name }}``. Whatever it shows has to be among its variables, so that a misspelt name is
        found now and not when a payment is told of.

        Args:
            plain: a value as each variable has it that is always a number or a text, of which it may show no other parts.

        Raises:
            ConfigurationError: it cannot be read, shows what is not among its variables or what a plain value has not, or
                Jinja2 is not installed.
            ValidationError: it is empty or too long.
        """
        for name, text in (("subject", template.subject), ("body", template.body)):
            if len(text) > TEXT_MAX_CHARS:
                raise ValidationError(name, text, f"at most {TEXT_MAX_CHARS:,} characters")
        if not template.subject.strip() and not template.body.strip():
            raise ValidationError("body", template.body, "what is to be said")
        (subject, in_subject), (body, in_body) = (
            _compiled(template, text) for text in (template.subject, template.body)
        )

        def write(variables: Mapping[str, Any], language_code: str | None) -> tuple[str, str]:
            return subject(variables), body(variables)

        kept = _Kept(template, write, is_ours=False, asked=in_subject | in_body)
        missing = missing_part(kept.asked, plain)
        if missing is not None:
            msg = f"template {template.name!r} {missing}"
            raise ConfigurationError(msg)
        self._kept[template.name] = kept

    def missing_part(self, name: str, plain: Mapping[str, Plain]) -> str | None:
        """What a template shows that these plain values have not, and what to write; None when there is nothing such."""
        return missing_part(self._found(name).asked, plain)

    def written(self, name: str, variables: Mapping[str, Any], language_code: str | None = None) -> tuple[str, str]:
        """Subject and body with the values in their places.

        Raises:
            ConfigurationError: there is no such template.
            ValidationError: a value is missing.
        """
        kept = self._found(name)
        missing = [each for each in kept.template.variables if each not in variables]
        if missing:
            raise ValidationError(
                "variables", sorted(variables), f"all that {name} shows; missing: {', '.join(missing)}"
            )
        return kept.write(variables, language_code)

    def written_if_it_can(
        self, name: str, variables: Mapping[str, Any], language_code: str | None
    ) -> tuple[str, str] | None:
        """Subject and body; None, and a line in the log, where these values cannot be put into it or leave nothing to say."""
        try:
            subject, body = self.written(name, variables, language_code)
        except Exception:  # whatever it raises, somebody has to be told
            logger.exception("template %r failed, and neonpay's words are said", name)
            return None
        if subject.strip() or body.strip():
            return subject, body
        logger.error("template %r says nothing with these values, and neonpay's words are said", name)
        return None

    def has(self, name: str) -> bool:
        """Whether there is a template of this name."""
        return name in self._kept

    def is_ours(self, name: str) -> bool:
        """Whether a template is one of neonpay's, and not the program's own."""
        return self._found(name).is_ours

    def say(self, key: str, words: Words, language_code: str | None, /, **values: object) -> str:
        """Words of neonpay's own in a language: those of the host's translator for this key, or else ours."""
        own = self._host.said(key, language_code, values)
        return NEONPAY.say(words, language_code, **values) if own is None else own

    def _found(self, name: str) -> _Kept:
        kept = self._kept.get(name)
        if kept is None:
            msg = f"there is no template {name!r}; there are: {', '.join(self.names())}"
            raise ConfigurationError(msg)
        return kept

    def _ours(self, guided: Guided) -> _Text:
        def say(part: str, english: Words, variables: Mapping[str, Any], language_code: str | None) -> str:
            return self.say(f"{guided.name}.{part}", english, language_code, **_countable(english, variables))

        def write(variables: Mapping[str, Any], language_code: str | None) -> tuple[str, str]:
            return (
                say("subject", guided.subject, variables, language_code),
                say("body", guided.body, variables, language_code),
            )

        return write


def _countable(words: Words, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values, of which the one that is counted is a number, for a program may have it as a text."""
    if words.many is None:
        return variables
    try:
        return {**variables, words.counted: int(variables[words.counted])}
    except (TypeError, ValueError) as exc:
        raise ValidationError(words.counted, variables[words.counted], "a whole number") from exc


def _template(guided: Guided) -> NotificationTemplate:
    return NotificationTemplate(
        name=guided.name,
        notification_type=guided.notification_type,
        subject=guided.subject.one,
        body=guided.body.one,
        variables=guided.variables,
        priority=guided.priority,
    )


def _compiled(
    template: NotificationTemplate, text: str
) -> tuple[Callable[[Mapping[str, Any]], str], frozenset[tuple[str, str]]]:
    """What writes a text, and the parts that it asks its values for."""
    try:
        from jinja2 import StrictUndefined, TemplateError, meta  # an extra
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as exc:
        msg = f"templates of your own need jinja2; run: {install_line('notifications')}"
        raise ConfigurationError(msg) from exc
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.globals.clear()  # nothing that could run long, such as range(10**9)
    text = _OLD_PLACE.sub(lambda found: f"{{{{ {found[1]} }}}}" if found[1] in template.variables else found[0], text)
    try:
        tree = environment.parse(text)
        shown, asked = meta.find_undeclared_variables(tree), asked_parts(tree)
        compiled = environment.from_string(text)
    except TemplateError as exc:
        msg = f"template {template.name!r} cannot be read: {exc}"
        raise ConfigurationError(msg) from exc
    if next(meta.find_referenced_templates(tree), "") != "":
        msg = f"template {template.name!r} cannot be read: there are no other texts for it to take in"
        raise ConfigurationError(msg)
    hidden = next((f"{name}.{part}" for name, part in sorted(asked) if part.startswith("_")), None)
    if hidden is not None:
        msg = f"template {template.name!r} shows {hidden}, which no text may"
        raise ConfigurationError(msg)
    unknown = sorted(shown - set(template.variables))
    if unknown:
        msg = (
            f"template {template.name!r} shows {', '.join(unknown)}, which is not among its variables: "
            f"{', '.join(template.variables) or 'it has none'}"
        )
        raise ConfigurationError(msg)

    def write(variables: Mapping[str, Any]) -> str:
        try:
            return compiled.render(**{name: variables[name] for name in template.variables})
        except Exception as exc:  # whatever the values do that a text calculates with; all of it is about them
            msg = f"template {template.name!r} cannot be written with these values: {exc}"
            raise ConfigurationError(msg) from exc

    return write, asked
