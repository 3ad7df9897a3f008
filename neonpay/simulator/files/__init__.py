"""What is in a message, and the files that it holds."""
