"""What programs and people ask about payments, and decide: ``neonpay.payments``, ``neonpay.refunds`` and their neighbours."""
