"""``neonpay demo``: buyers, a shop bot and a crash, all on this machine.

The shop is ``aiogram_shop.py``, the same text as ``examples/aiogram_shop.py``: it is kept in the package so that the demo
runs wherever neonpay is installed, and beside the package so that people find it. A test compares the two.
"""
