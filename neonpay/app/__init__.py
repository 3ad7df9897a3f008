"""The application, put together from what it can do."""

from neonpay.app.base import DEFAULT_DATABASE_URL
from neonpay.app.blocking import Blocking
from neonpay.app.deciding import Deciding
from neonpay.app.declaring import Declaring
from neonpay.app.delivering import Delivering
from neonpay.app.guarding import Guarding
from neonpay.app.proving import Proving
from neonpay.app.receiving import Receiving
from neonpay.app.reconciling import Reconciling
from neonpay.app.requesting import Requesting
from neonpay.app.selling import Selling
from neonpay.app.settling import Settling
from neonpay.app.subscribing import Subscribing
from neonpay.app.supporting import Supporting


class NeonPayCore(
    Blocking,
    Selling,
    Guarding,
    Delivering,
    Declaring,
    Settling,
    Subscribing,
    Requesting,
    Supporting,
    Reconciling,
    Deciding,
    Proving,
    Receiving,
):
    """Sells for Telegram Stars through one bot. ``create_neonpay`` makes one from the bot that you have.

    The ledger opens with the host library's start-up, with ``setup()``, ``async with``, or the first call that needs it, and
    closes with the host's shutdown or ``close()``.
    """


__all__ = ["DEFAULT_DATABASE_URL", "NeonPayCore"]
