"""Ninety days of a lively shop, lived through the simulator and the real pipeline, to have something to look at.

Nothing is written into the ledger past ``create_neonpay``: people of the simulator press and pay, a bot of aiogram sells, and
time is the simulator's. One seed gives one history, figure for figure.
"""

from neonpay.cli.demo.lively.history import History, live

__all__ = ["History", "live"]
