"""The pages, one module each; ``neonpay.web.navigation.PAGES`` names them."""
