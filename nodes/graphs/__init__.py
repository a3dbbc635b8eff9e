"""The graph of a version: sent, or inferred from the ways that runs took."""
