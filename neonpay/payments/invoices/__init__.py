"""Invoices: written with their price and terms, sent or made into a link, and found again by their id."""
