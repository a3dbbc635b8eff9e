"""Where the values of a step came from, and who used them."""
