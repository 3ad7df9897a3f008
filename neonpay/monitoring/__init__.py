"""How a shop is, for programs that watch it: metrics for Prometheus, and whether it is alive and ready.

Everything is read when somebody asks, from the ledger and from the loops of the process. Nothing of it lies on the path of a
payment, and nothing is imported before it is asked for.
"""
