"""How parameters, results and refusals are written."""
