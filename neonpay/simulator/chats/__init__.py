"""Who there is, where they meet, and what stands there."""
