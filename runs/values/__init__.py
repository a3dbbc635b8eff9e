"""Where the values of a run came from, and its variables."""
