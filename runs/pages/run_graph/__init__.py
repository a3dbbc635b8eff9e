"""The graph of one run."""
