"""What ships for tests: of bots that use neonpay, and of adapters and storage that others write for it."""
