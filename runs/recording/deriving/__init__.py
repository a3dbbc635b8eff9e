"""Derives what follows from all steps of a run: tree, iterations, outcome, totals. Pure."""
