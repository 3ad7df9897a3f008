"""A bot of each library, for the conformance suite."""
