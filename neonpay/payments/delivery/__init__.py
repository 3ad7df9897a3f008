"""Jobs are run: at least once each, in the program that has the handler, and marked done as the last word."""
