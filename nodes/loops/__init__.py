"""The passes of a loop side by side, and the way from one to the next."""
