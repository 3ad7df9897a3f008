"""A shop has few names, and docs/reference/api.md shows each of them once, what everybody needs first."""

from __future__ import annotations

import re

from neonpay.app import NeonPayCore
from neonpay.app.program import Program
from neonpay.app.sync import SyncNeonPay
from tests.unit.docs.blocks import page_text

# Adding one is a decision. What a feature brings is a verb of the namespace that its package serves, and what only those
# need who run, watch, test or build upon a program is at ``neonpay.program``.
NAMES = {
    "Sell": """
        create_payment_stage get_payment_stage list_payment_stages replace_payment_stage remove_payment_stage
        send_payment create_payment_link refund
    """,
    "Hear": "on_pre_checkout on_payment on_refund on",
    "Take part": "use add_gate add_middleware enable_support enable_alerts track_event once transaction call",
    "Run": "setup close sync admins get_stats serve_health run_polling process_update webhook_handler set_webhook",
    "Namespaces": """
        payments invoices refunds jobs handlers subscriptions people tracking books security reports program
    """,
}
GROUPS = {title: names.split() for title, names in NAMES.items()}


def public(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_")]


def test_a_shop_has_these_names_and_no_others() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == public(NeonPayCore)


def test_sync_has_no_name_that_a_shop_has_not_but_wait() -> None:
    assert set(public(SyncNeonPay)) - set(public(NeonPayCore)) == {"wait"}
    assert set(GROUPS["Namespaces"]) <= set(public(SyncNeonPay))


def test_the_page_shows_the_names_of_a_shop_in_these_groups() -> None:
    sections = dict(
        re.findall(r"^###? (.+?)\n(.*?)(?=^###? |\Z)", page_text("docs/reference/api.md"), re.MULTILINE | re.DOTALL)
    )
    shown = {
        title: re.findall(r"NeonPayCore\.(\w+)|^\| `neonpay\.(\w+)`", sections[title], re.MULTILINE) for title in GROUPS
    }
    assert {title: ["".join(found) for found in names] for title, names in shown.items()} == GROUPS


def test_nothing_is_at_the_shop_and_at_its_program() -> None:
    assert not set(public(Program)) & set(public(NeonPayCore))
