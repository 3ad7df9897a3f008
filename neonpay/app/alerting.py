"""``neonpay.enable_alerts``: the owners hear of what needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from neonpay.app.facade import Facade
from neonpay.app.taking_part import TakingPart
from neonpay.core.ports import Conversing
from neonpay.errors import ConfigurationError
from neonpay.settings import settings_of

if TYPE_CHECKING:
    from neonpay.app.once import Effects
    from neonpay.notifications.alert_settings import AlertSettings
    from neonpay.notifications.alerting import Alerts, Watched
    from neonpay.notifications.config import NotificationConfig
    from neonpay.notifications.extension import Notifications
    from neonpay.notifications.host_words import Translator
    from neonpay.notifications.kinds import NotificationType
    from neonpay.notifications.manners import Manners
    from neonpay.notifications.report import Figures, Reports
    from neonpay.notifications.rules import Rule


class Alerting(TakingPart):
    """Alerts to the shop's owners."""

    _admins: tuple[int, ...]
    _effects: Effects

    def enable_alerts(
        self,
        config: NotificationConfig | None = None,
        *,
        channel: NotificationType | str | None = None,
        recipients: Sequence[str] = (),
        admins: Sequence[int] | None = None,
        sales: bool | None = None,
        declined: bool | None = None,
        daily: str | None = None,
        weekly: str | None = None,
        language: str | None = None,
        quiet: str | None = None,
        zone: str | None = None,
        manners: Manners | None = None,
        dashboard_url: str | None = None,
        texts: Mapping[str, str] | None = None,
        translate: Translator | None = None,
    ) -> Notifications:
        """Tell the owners from now on of what needs a person, once each, through restarts; no sale waits for it.

        That is a payment that waits for a decision, a delivery that was given up, a refund that Telegram refuses, a balance
        that differs from Telegram's list, a payment that this list does not have, and a withdrawal that failed. It is told in
        Telegram by the shop's own bot, which each owner must have started, or by another channel of a configuration. There
        owners deliver again, accept a payment or give Stars back by a button, and ``/mute 2h`` is quiet but for what is
        critical. Call it before the bot starts. What is left out comes from the environment or from ``[alerts]`` in
        ``neonpay.toml``.

        Args:
            config: the channels; Telegram is there without one.
            channel: by which they are told; Telegram when left out.
            recipients: chat ids, addresses or URLs; what the configuration names when left out, and in Telegram the owners.
            admins: user ids of the owners; those of ``create_neonpay`` when left out.
            sales: tell of each sale, too.
            declined: tell of declined checkouts, too, those of five minutes in one message.
            daily: when the report of the day before is told, such as ``09:00``; none when left out.
            weekly: when that of the seven days before is, such as ``mon 09:00``. One that was due while no program ran is told
                when one does; of several the last.
            language: ``en`` or ``ru``.
            quiet: hours in which only what is critical is told, such as ``22:00-08:00``, in ``zone``.
            zone: whose hours and days are meant, such as ``Europe/Moscow``; UTC when nothing says another.
            manners: throttling and gathering; quiet hours as well, in place of ``quiet``.
            dashboard_url: where owners reach the dashboard; buttons under alerts open it.
            texts: words of your own by what is told, such as ``{"payment_completed": "Sold: {{ stage_id }}"}``; the first line
                is the subject. They need jinja2.
            translate: the translator of your program, asked before ours.

        Returns:
            The extension that tells; that of the program, with these rules added, where it uses one already.

        Raises:
            ConfigurationError: it was called before, an admin is no user id, or a setting is wrong. The program has an
                extension for notifications already, and something is given here or in ``[alerts]`` that belongs there.
        """
        from neonpay.notifications.alert_settings import AlertSettings  # loaded by those who want alerts

        if isinstance(recipients, str):
            msg = f'recipients are several, such as ["owner@example.com"]; got {recipients!r}'
            raise ConfigurationError(msg)
        if admins is not None and not all(_is_user_id(admin) for admin in admins):
            msg = f"admins are user ids such as 123456789; got {list(admins)!r}"
            raise ConfigurationError(msg)
        given = {
            "admins": admins,
            "sales": sales,
            "declined": declined,
            "daily": daily,
            "weekly": weekly,
            "language": language,
            "quiet": quiet,
            "zone": zone,
            "dashboard_url": dashboard_url,
            "texts": None if texts is None else dict(texts),
        }
        said = {name: value for name, value in given.items() if value is not None}
        settings = settings_of(AlertSettings, "alerts", arguments=said)
        owners = settings.admins or (self._admins if admins is None else ())
        there = self._there(
            config=config, manners=manners, translate=translate, quiet=settings.quiet, language=language
        )
        notifications = there or self._new(config, settings, owners, manners, translate)
        rules = self._add_rules(notifications, settings, owners, channel, tuple(recipients))
        if there is None:
            self.use(notifications)
        self.use(self._alerts(notifications, rules[0], owners, settings))
        return notifications

    def _there(self, **given: object) -> Notifications | None:
        """The extension that the program uses already."""
        from neonpay.notifications.extension import Notifications

        there = self._house.extensions.find(Notifications.name)
        if there is None:
            return None
        assert isinstance(there, Notifications), "its name is taken"
        if any(rule.name.startswith(_ALERTS) for rule in there.rules):
            msg = "enable_alerts was called before; call it once with all that is to be told"
            raise ConfigurationError(msg)
        wrong = [name for name, value in given.items() if value is not None]
        if wrong:
            msg = (
                f"this program uses Notifications(…) already; give {', '.join(wrong)} there, and not to enable_alerts or "
                '[alerts]: Notifications(config, language_code="ru", manners=Manners(quiet=QuietHours(…)), translate=…)'
            )
            raise ConfigurationError(msg)
        return there

    def _new(
        self,
        config: NotificationConfig | None,
        settings: AlertSettings,
        owners: Sequence[int],
        manners: Manners | None,
        translate: Translator | None,
    ) -> Notifications:
        from dataclasses import replace

        from neonpay.notifications.extension import Notifications
        from neonpay.notifications.manners import Manners, QuietHours

        manners = manners or Manners()
        if settings.quiet is not None and manners.quiet is None:
            begin, _, end = settings.quiet.partition("-")
            zone = _zone(settings.zone).key
            try:
                quiet = QuietHours(begin.strip(), end.strip(), zone=zone)
            except ConfigurationError as exc:
                msg = f"quiet is written as 22:00-08:00; got {settings.quiet!r}"
                raise ConfigurationError(msg) from exc
            manners = replace(manners, quiet=quiet)
        return Notifications(
            config, owners=owners, language_code=settings.language, manners=manners, translate=translate
        )

    def _add_rules(
        self,
        notifications: Notifications,
        settings: AlertSettings,
        owners: Sequence[int],
        channel: NotificationType | str | None,
        recipients: tuple[str, ...],
    ) -> list[Rule]:
        from neonpay.notifications.alerts import add_own_text, alert_rules
        from neonpay.notifications.kinds import NotificationType

        if channel is not None and channel not in list(NotificationType):
            msg = f"channel is one of {', '.join(NotificationType)}; got {channel!r}"
            raise ConfigurationError(msg)
        by = NotificationType.TELEGRAM if channel is None else NotificationType(channel)
        is_to_owners = by is NotificationType.TELEGRAM and notifications.config.telegram_admin_chat_id is None
        if not recipients and is_to_owners:
            recipients = tuple(str(owner) for owner in owners)
        for name, text in settings.texts.items():
            add_own_text(notifications.templates, name, text)
        rules = alert_rules(
            channel=by,
            recipients=recipients,
            sales=settings.sales,
            declined=settings.declined,
            own=settings.texts,
        )
        notifications.rules += rules
        return rules

    def _alerts(
        self, notifications: Notifications, rule: Rule, owners: Sequence[int], settings: AlertSettings
    ) -> Alerts:
        from neonpay.app.alert_deeds import deeds
        from neonpay.notifications.alerting import Alerts, TalkingAlerts
        from neonpay.notifications.kinds import NotificationType

        zone, url, reports = _zone(settings.zone), settings.dashboard_url, self._reports(settings)
        is_ours = rule.channel is NotificationType.TELEGRAM and notifications.config.telegram_bot_token is None
        if not is_ours or not isinstance(self._house.adapter, Conversing):
            return Alerts(notifications, rule, self._watched(), reports=reports, dashboard_url=url)
        return TalkingAlerts(
            notifications,
            rule,
            self._watched(),
            owners=owners,
            deeds=deeds(self._house, self._effects),
            zone=zone,
            reports=reports,
            dashboard_url=url,
        )

    def _reports(self, settings: AlertSettings) -> Reports | None:
        from neonpay.notifications.report import Reports
        from neonpay.notifications.schedules import Schedule

        zone, schedules = _zone(settings.zone), {}
        if settings.daily is not None:
            schedules["daily"] = Schedule.daily(settings.daily, zone)
        if settings.weekly is not None:
            schedules["weekly"] = Schedule.weekly(settings.weekly, zone)
        return Reports(schedules=schedules, figures_of=self._figures) if schedules else None

    async def _figures(self, first: date, last: date, zone: tzinfo) -> Figures:
        from neonpay.app.alert_figures import figures  # reports are loaded when one is due, and never to sell

        assert isinstance(self, Facade), "it is a part of NeonPayCore"
        return await figures(self.reports, first, last, zone)

    def _watched(self) -> Watched:
        from neonpay.notifications.alerting import Watched

        house = self._house
        file = house.database_file
        return Watched(
            loops=lambda: house.pipeline.loops,
            folder=None if file is None else file.parent,
            reconcile_every_s=house.settings.reconcile.every_s,
        )


_ALERTS = "alerts"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        msg = f"zone is a name such as Europe/Moscow; got {name!r}; where none is known: pip install tzdata"
        raise ConfigurationError(msg) from exc


def _is_user_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
