"""The ``neonpay`` command line."""
