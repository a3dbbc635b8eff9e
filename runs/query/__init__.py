"""Which runs a list shows: one language for what is typed, clicked and written in an address."""
