"""What commands read from the ledger, for one bot or for several, each as one state of it."""
