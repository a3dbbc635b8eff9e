"""Derive what follows from all steps of a run: tree, passes, outcome, totals. Pure."""
