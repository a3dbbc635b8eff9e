"""The graph of a version: sent by a producer, or inferred from the ways that runs took."""
