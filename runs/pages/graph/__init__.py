"""The graph of a version, with a side panel for each node."""
