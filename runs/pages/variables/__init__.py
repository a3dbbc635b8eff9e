"""The VARIABLES tab of a run: every variable and what was written to it."""
