"""The steps of a run in the order of their running: tree, rows, bars."""
