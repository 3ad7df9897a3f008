"""Facts and rules of a payment, standard library only: no I/O, no bot library, no database.

The life of a payment::

    stage ──▶ invoice ──▶ pre-checkout ──▶ charge ──▶ payment ──▶ fulfilled
    stages.py  payload.py   checkout.py     payments.py            (jobs, outside core)
                               │ declined                   └──▶ refunded

A *stage* is what may be sold, an *invoice* is one signed offer of it, a *charge* is Stars that Telegram took from a buyer, a
*payment* is a charge that the ledger holds.
"""
