"""Two runs step by step: which step is which, where they part, and what differs in a value."""
