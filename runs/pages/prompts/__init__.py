"""The system prompts of a node, as its runs reported them."""
