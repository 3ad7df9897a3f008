"""What every adapter promises, as tests that an adapter's own test module inherits.

::

    from neonpay.testing.adapter_suite import AdapterConformance, BotHost

    class MyHost(BotHost):
        def __init__(self, telegram, account):
            super().__init__()
            self.bot = mylibrary.Bot(account.token, api=telegram.base_url)
            self.bot.on_message(lambda message: self.heard.add(f"text:{message.text}"))
            ...

        def join(self, **options):
            return create_neonpay(self.bot, **options)

        def take_turns(self): ...
        async def start(self): ...
        async def stop(self): ...

    class TestMyLibrary(AdapterConformance):
        @pytest.fixture
        def host_factory(self):
            return MyHost

The real library runs against ``neonpay.simulator``. A rule that a library cannot keep is named by its ``capabilities``, and the
rule then asserts what is promised instead; none is skipped. The tests are coroutines: pytest-asyncio with
``asyncio_mode = "auto"`` runs them.
"""

from __future__ import annotations

__all__ = ["BUSY", "BUY", "AdapterConformance", "BotHost", "HostFactory", "Noted"]

from neonpay.testing._adapter_calls import CallRules
from neonpay.testing._adapter_life import LifeRules
from neonpay.testing._adapter_manners import MannerRules
from neonpay.testing._adapter_money import MoneyRules
from neonpay.testing._adapter_seeing import SeeingRules
from neonpay.testing._adapter_subscriptions import SubscriptionRules
from neonpay.testing.adapter_host import BUSY, BUY, BotHost, HostFactory, Noted


class AdapterConformance(MoneyRules, SubscriptionRules, MannerRules, SeeingRules, LifeRules, CallRules):
    """Subclass it with a fixture ``host_factory``: a ``Callable[[Simulator, BotAccount], BotHost]``."""
