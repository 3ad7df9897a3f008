"""What neonpay says to people in other languages than English: one gettext catalogue for each, and who reads them."""
