"""The life of a payment.

Read the rooms in its order: ``invoices``, ``checkout``, ``recording``, ``delivery``, ``refunds``. ``handlers`` has what a
program registers, and ``consumers`` who delivers in the shop; ``pipeline`` wires all of it for one bot and one ledger.
"""
