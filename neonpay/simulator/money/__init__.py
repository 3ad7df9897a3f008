"""Stars on their way: sold, charged, renewed, given and given back."""
