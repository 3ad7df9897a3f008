"""What it takes to prove that no Star is lost: shops that die, networks and servers that fail, and a look from outside."""
