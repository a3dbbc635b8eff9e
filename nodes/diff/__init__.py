"""Compare two runs step by step: which step is which, where they diverge, what differs."""
