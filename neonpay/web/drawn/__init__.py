"""Figures of reports as charts: what is read where, in the language of the reader."""
