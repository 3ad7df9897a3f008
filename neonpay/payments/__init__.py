"""What happens to money: invoices, the checkout guard, recording, fulfilment and refunds.

Read the modules in the order of a payment's life: ``invoices``, ``checkout``, ``recording``, ``jobs``, ``fulfilment``,
``refunds``.
"""
