"""The first hundred buyers get a badge."""
