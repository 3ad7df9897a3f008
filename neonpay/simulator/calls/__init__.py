"""A call of a method on its way from parameters to a message."""
