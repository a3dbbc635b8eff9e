"""The graph of a version: sent by a producer, or inferred from the edges that runs took."""
