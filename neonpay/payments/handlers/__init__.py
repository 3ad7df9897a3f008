"""What a program registers: payment handlers and the like, what they are given, and how one is called."""
