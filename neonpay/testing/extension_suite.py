"""What every extension promises, as tests that an extension's own test module inherits.

::

    from neonpay.testing.extension_suite import ExtensionConformance

    class TestBadges(ExtensionConformance):
        @pytest.fixture
        def extension_factory(self):
            return lambda: Badges(limit=100)

The factory gives another object each time, as each program of a shop has its own. The suite sells with it in simulated
Telegrams and compares what its tables hold: all tables that are not neonpay's own, unless ``summary`` says otherwise. Override

- ``summary(connection)`` where rows hold times or random ids, which differ though nothing is wrong;
- ``payload``, where the extension takes part only in offers that are made with something, such as a code;
- the fixture ``new_database``, to run on PostgreSQL: a function that gives the URL of another empty database each time.

A rule about a hook that the extension does not override holds by itself. The tests are coroutines: pytest-asyncio with
``asyncio_mode = "auto"`` runs them.
"""

from __future__ import annotations

__all__ = ["ExtensionConformance", "ExtensionFactory"]

from neonpay.testing._extension_base import ExtensionFactory
from neonpay.testing._extension_faults import FaultRules
from neonpay.testing._extension_holding import HoldingRules
from neonpay.testing._extension_settling import SettlingRules


class ExtensionConformance(SettlingRules, HoldingRules, FaultRules):
    """Subclass it with a fixture ``extension_factory``: a ``Callable[[], Extension]``."""
