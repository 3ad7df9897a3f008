"""The pages of a shop for a browser."""
