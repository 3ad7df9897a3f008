"""``[neonpay]``: the arguments of ``create_neonpay`` that are plain data."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from neonpay.app.core import DEFAULT_DATABASE_URL
from neonpay.app.starting import START_AFTER_S
from neonpay.core.checkout import CHECKOUT_BUDGET_S
from neonpay.core.limits import MESSAGES_PER_S
from neonpay.core.roles import Role
from neonpay.payments.invoices.endings import ABANDONED_AFTER_S
from neonpay.payments.jobs import LEASE_S
from neonpay.payments.settings import GRACE_S, PATIENCE_S, POLL_S
from neonpay.reconcile.reconciler import RECONCILE_EVERY_S, RECONCILE_GRACE_S
from neonpay.settings import Secret, Section, Sources
from neonpay.telegram.client import CONNECTIONS, TIMEOUT_S

Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]


class CoreSettings(Section, frozen=True, kw_only=True):
    """What a shop says about itself; ``create_neonpay`` tells what each of them does."""

    database_url: Secret = DEFAULT_DATABASE_URL
    pool_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    bot_token: Secret | None = None
    api_url: str | None = None
    test_environment: bool = False
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = TIMEOUT_S
    connections: Annotated[int, msgspec.Meta(ge=1, le=1000)] = CONNECTIONS
    bot_id: Annotated[int, msgspec.Meta(ge=1)] | None = None
    secret: Secret | tuple[Secret, ...] | None = None
    admins: tuple[Annotated[int, msgspec.Meta(ge=1)], ...] = ()
    role: Role = Role.DELIVERS
    thank_you_message: str | None = None
    enable_logging: bool = True
    max_stages: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 100
    adapter_type: str | None = None
    checkout_budget_s: Seconds = CHECKOUT_BUDGET_S
    lease_s: Seconds = LEASE_S
    poll_s: Seconds = POLL_S
    grace_s: Seconds = GRACE_S
    patience_s: Seconds = PATIENCE_S
    messages_per_s: Annotated[float, msgspec.Meta(gt=0)] | None = MESSAGES_PER_S
    reconcile_every_s: Seconds | None = RECONCILE_EVERY_S
    reconcile_grace_s: Seconds = RECONCILE_GRACE_S
    all_invoices_are_ours: bool = False
    abandoned_after_s: Annotated[float, msgspec.Meta(gt=0)] | None = ABANDONED_AFTER_S
    keep_names: bool = True
    start_after_s: Seconds | None = START_AFTER_S


def refuse_mistyped_sections(sources: Sources) -> None:
    """Raise ConfigurationError when a section of the file is named almost like one of ours, and no extension's is called so."""
    ours = {"alerts", "monitoring", "neonpay", "notify", "security", "support"}
    if not ours.issuperset(sources.sections):
        from neonpay.extensions import installed

        sources.refuse_mistyped(ours, {one.name for one in installed()})
