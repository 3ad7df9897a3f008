"""The suite for extensions fails for extensions that are wrong, by the rule that they break."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

SUITE = """
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from neonpay.core.payments import PaymentState
from neonpay.payments.extension import Extension, Subscriber
from neonpay.testing.extension_suite import ExtensionConformance

tables = sa.MetaData()
grants = sa.Table("grants", tables, sa.Column("id", sa.Integer, primary_key=True), sa.Column("what", sa.Text))


class Grants(Extension):
    name = "grants"

    def __init__(self):
        self.shown = []

    @asynccontextmanager
    async def running(self, host):
        self.host = host
        await host.ledger.run(lambda tx: tables.create_all(tx.connection))
        yield

    def grant(self, transaction, what):
        transaction.connection.execute(sa.insert(grants).values(what=what))

    def grant_once(self, transaction, what):
        if not transaction.connection.execute(sa.select(grants).where(grants.c.what == what)).first():
            self.grant(transaction, what)
"""

CONFORMANCE = """

class TestWrong(ExtensionConformance):
    @pytest.fixture
    def extension_factory(self):
        return Wrong
"""

WRONG = {
    "a_payment_that_is_shown_again_changes_nothing_more": """
class Wrong(Grants):
    def settle(self, transaction, payments):
        for one in payments:
            self.grant(transaction, one.payment.charge_id)
        return {}
""",
    "a_unit_that_was_undone_and_runs_again_leaves_what_one_run_leaves": """
class Wrong(Grants):
    def settle(self, transaction, payments):
        self.shown += payments
        for one in payments:
            self.grant_once(transaction, f"number {len(self.shown)}")
        return {}
""",
    "a_batch_is_settled_as_its_payments_one_by_one": """
class Wrong(Grants):
    def settle(self, transaction, payments):
        self.grant_once(transaction, payments[0].payment.charge_id)
        return {}
""",
    "a_refund_that_comes_before_the_settlement_ends_as_one_that_comes_after": """
class Wrong(Grants):
    def settle(self, transaction, payments):
        for one in payments:
            if one.payment.state is PaymentState.ACCEPTED:
                self.grant_once(transaction, one.payment.charge_id)
        return {}
""",
    "a_hook_that_raises_leaves_the_payment_delivered_and_is_asked_again": """
class Wrong(Grants):
    def settle(self, transaction, payments):
        for one in payments:
            if one.payment.charge_id not in self.shown:
                self.shown.append(one.payment.charge_id)
                self.grant(transaction, one.payment.charge_id)
        return {}
""",
    "what_a_program_had_not_settled_when_it_died_is_settled_by_the_next": """
class Wrong(Grants):
    begun = set()

    def settle(self, transaction, payments):
        for one in payments:
            if (self.host.ledger, one.payment.charge_id) not in self.begun:
                self.grant_once(transaction, f"{one.payment.charge_id} by {len(self.begun)}")
            self.begun.add(one.payment.charge_id)
        return {}
""",
    "it_may_be_entered_again_without_having_been_left": """
class Wrong(Grants):
    @asynccontextmanager
    async def running(self, host):
        await host.ledger.run(lambda tx: tables.create_all(tx.connection, checkfirst=False))
        yield
""",
    "a_claim_that_comes_again_holds_what_it_has_held": """
class Wrong(Grants):
    def hold(self, transaction, claims):
        for one in claims:
            self.grant(transaction, "held")
        return {}
""",
    "what_is_let_go_of_again_or_was_never_held_changes_nothing_more": """
class Wrong(Grants):
    def let_go(self, transaction, claims, why):
        for one in claims:
            self.grant(transaction, "free again")
""",
    "an_offer_that_is_asked_for_again_is_quoted_alike": """
from dataclasses import replace


class Wrong(Grants):
    def quote(self, transaction, asked, quote):
        self.shown.append(asked)
        return replace(quote, price_stars=quote.price_stars + len(self.shown))
""",
    "a_subscriber_that_is_told_again_changes_nothing_more": """
class Wrong(Grants):
    def subscribers(self):
        return [Subscriber(name="grant", events=frozenset({"payment_completed"}), run=self.hear)]

    async def hear(self, event):
        await self.host.ledger.run(lambda tx: tx.connection.execute(sa.insert(grants).values(what="heard")).rowcount)
""",
    "it_may_be_told_of_an_update_in_any_thread_and_before_the_shop_opens": """
class Wrong(Grants):
    def seen(self, update):
        self.host.call("sendMessage", {"chat_id": update.user_id, "text": "I see you"})
""",
}


@pytest.mark.parametrize("rule", WRONG)
def test_an_extension_that_breaks_a_rule_fails_its_test(pytester: pytest.Pytester, rule: str) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(SUITE + WRONG[rule] + CONFORMANCE)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-k", f"test_{rule}")
    result.assert_outcomes(failed=1, deselected=14)


def test_a_rule_about_a_hook_that_is_not_overridden_holds_by_itself(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(SUITE + "\nWrong = type('Nothing', (Extension,), {'name': 'nothing'})\n" + CONFORMANCE)
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.assert_outcomes(passed=15)


def test_a_suite_without_a_factory_says_what_it_needs(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile("from neonpay.testing.extension_suite import ExtensionConformance as TestNothing")
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-k", "quoted_alike")
    result.stdout.fnmatch_lines(["*needs a fixture extension_factory*"])
