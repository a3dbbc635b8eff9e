"""The list of runs: its pages, facets, saved views, and what changes while it is read."""
